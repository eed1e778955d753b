using KvCloud.Node.Tls;
using KvCloud.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace KvCloud.Tests.Node.Tls;

/// <summary>What files are taken, what is said of the others, and that what is broken replaces nothing.</summary>
public sealed class CertificateStoreTests : IDisposable
{
    private const int Self = 2;
    private readonly TestCa _ca = new();

    public void Dispose() => _ca.Dispose();

    [Fact]
    public void Open_files_of_this_node_are_taken()
    {
        PemPair pair = _ca.Node(Self);

        var store = CertificateStore.Open(Options(pair, _ca.CaFile), TimeProvider.System);

        Assert.True(store.Current.Certificate.HasPrivateKey);
        Assert.Equal([TestCa.NodeUri(Self)], CertificateNames.Of(store.Current.Certificate));
        Assert.NotNull(store.Current.CaNotAfter);
    }

    [Theory]
    [InlineData("certificate missing", "tls.certificate: /none.pem does not exist.")]
    [InlineData("key missing", "tls.key: /none.pem does not exist.")]
    [InlineData("ca missing", "tls.ca: /none.pem does not exist.")]
    [InlineData("certificate empty", "holds no certificate")]
    [InlineData("key empty", "holds no private key")]
    [InlineData("ca empty", "holds no certificate")]
    [InlineData("key encrypted", "is encrypted; a node needs a key without a password")]
    [InlineData("key of another", "is not the key of the first certificate in")]
    [InlineData("expired", "has expired on")]
    [InlineData("not yet", "is valid from")]
    [InlineData("other node", "is of kvcloud://kvcloud/nodes/3; the certificate of this node has the URI"
        + " kvcloud://kvcloud/nodes/2")]
    [InlineData("other cluster", "is of kvcloud://other/nodes/2; the certificate")]
    [InlineData("no node", "is of nobody of KvCloud (its subject is CN=test); the certificate")]
    [InlineData("other ca", "is not of a CA that is trusted here, as")]
    [InlineData("server only", "is not meant for a client (clientAuth)")]
    [InlineData("client only", "is not meant for a server (serverAuth)")]
    public void Open_files_that_cannot_serve_are_refused_by_setting_and_file(string what, string expected)
    {
        TlsOptions options = Wrong(what);

        CertificateException refusal = Assert.Throws<CertificateException>(
            () => CertificateStore.Open(options, TimeProvider.System));

        Assert.StartsWith("tls.", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_certificate_without_a_name_serves_a_node_that_has_no_peers()
    {
        PemPair pair = _ca.Issue([], []);

        var store = CertificateStore.Open(
            Options(pair, null) with { HasPeers = false }, TimeProvider.System);

        Assert.Null(store.Current.Roots);
        Assert.Null(store.Current.CaNotAfter);
    }

    [Fact]
    public void Open_certificate_that_lacks_a_replacement_id_is_refused_by_name_and_one_with_all_is_taken()
    {
        string[] usages = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
        PemPair some = _ca.Issue([TestCa.NodeUri(Self), TestCa.NodeUri(4)], usages);
        PemPair all = _ca.Issue([TestCa.NodeUri(Self), TestCa.NodeUri(4), TestCa.NodeUri(5)], usages);

        CertificateException refusal = Assert.Throws<CertificateException>(() => CertificateStore.Open(
            Options(some, _ca.CaFile) with { ReplacementIds = [4, 5] }, TimeProvider.System));
        var store = CertificateStore.Open(
            Options(all, _ca.CaFile) with { ReplacementIds = [4, 5] }, TimeProvider.System);

        Assert.Contains(
            "does not name kvcloud://kvcloud/nodes/5; with deployment.replacement_ids it names these nodes too",
            refusal.Message,
            StringComparison.Ordinal);
        Assert.Equal(3, CertificateNames.Of(store.Current.Certificate).Count);
    }

    [Fact]
    public void Poll_changed_files_are_used_once_they_were_the_same_twice()
    {
        PemPair pair = _ca.Node(Self);
        var store = CertificateStore.Open(Options(pair, _ca.CaFile), TimeProvider.System);
        string before = store.Current.Certificate.Thumbprint;
        _ca.Node(Self).CopyTo(pair);

        Assert.Equal(ReloadOutcome.Changing, store.Poll());
        Assert.Equal(before, store.Current.Certificate.Thumbprint);
        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());
        Assert.NotEqual(before, store.Current.Certificate.Thumbprint);
        Assert.Equal(ReloadOutcome.Unchanged, store.Poll());
        Assert.Equal((1, 0), (store.Reloads, store.FailedReloads));
    }

    /// <summary>A certificate that is copied before its key is not taken for a broken pair.</summary>
    [Fact]
    public void Poll_files_that_are_still_being_copied_fail_nothing()
    {
        PemPair pair = _ca.Node(Self);
        var store = CertificateStore.Open(Options(pair, _ca.CaFile), TimeProvider.System);
        PemPair next = _ca.Node(Self);
        File.Copy(next.Certificate, pair.Certificate, overwrite: true);
        Assert.Equal(ReloadOutcome.Changing, store.Poll());
        File.Copy(next.Key, pair.Key, overwrite: true);

        Assert.Equal(ReloadOutcome.Changing, store.Poll());
        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());
        Assert.Equal(0, store.FailedReloads);
    }

    [Fact]
    public void Poll_broken_files_leave_the_former_in_use_and_are_told_once()
    {
        PemPair pair = _ca.Node(Self);
        var store = CertificateStore.Open(Options(pair, _ca.CaFile), TimeProvider.System);
        string before = store.Current.Certificate.Thumbprint;
        File.WriteAllText(pair.Certificate, "nothing");
        store.Poll();

        Assert.Equal(ReloadOutcome.Failed, store.Poll());
        Assert.Equal(ReloadOutcome.Unchanged, store.Poll());
        Assert.Equal((1, before), (store.FailedReloads, store.Current.Certificate.Thumbprint));
        Assert.Contains($"{pair.Certificate} holds no certificate", store.Failure, StringComparison.Ordinal);

        _ca.Node(Self).CopyTo(pair);
        store.Poll();
        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());
        Assert.Null(store.Failure);
    }

    [Fact]
    public void Poll_links_that_are_moved_as_kubernetes_does_it_are_followed()
    {
        PemPair first = _ca.Node(Self);
        PemPair second = _ca.Node(Self);
        string data = Path.Combine(_ca.Folder, "..data");
        Publish(first, "one", data);
        var linked = new PemPair(Path.Combine(data, "tls.crt"), Path.Combine(data, "tls.key"));
        var store = CertificateStore.Open(Options(linked, _ca.CaFile), TimeProvider.System);
        Directory.Delete(data);
        Publish(second, "two", data);
        store.Poll();

        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());
    }

    [Fact]
    public void Poll_bundle_of_two_authorities_is_taken_while_certificates_change()
    {
        using var next = new TestCa("Next CA");
        PemPair pair = _ca.Node(Self);
        string bundle = _ca.Write("bundle.pem", _ca.Pem);
        var store = CertificateStore.Open(Options(pair, bundle), TimeProvider.System);
        File.WriteAllText(bundle, _ca.Pem + "\n" + next.Pem);
        store.Poll();
        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());

        next.Node(Self).CopyTo(pair);
        File.WriteAllText(bundle, next.Pem);
        store.Poll();
        Assert.Equal(ReloadOutcome.Reloaded, store.Poll());
        Assert.Single(store.Current.Roots!);
    }

    [Theory]
    [InlineData(40, null)]
    [InlineData(29, "in 28 days: replace it")]
    [InlineData(-1, "has ended on")]
    public void Of_certificate_that_ends_is_told_thirty_days_before(int days, string? expected)
    {
        PemPair pair = _ca.Node(Self, to: DateTimeOffset.UtcNow.AddDays(100));
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = CertificateStore.Open(Options(pair, _ca.CaFile), time);
        time.Advance(TimeSpan.FromDays(100 - days));

        string? told = CertificateExpiry.Of(store, time.GetUtcNow());

        if (expected is null)
        {
            Assert.Null(told);
        }
        else
        {
            Assert.Contains(expected, told, StringComparison.Ordinal);
            Assert.Contains(pair.Certificate, told, StringComparison.Ordinal);
        }
    }

    internal static TlsOptions Options(PemPair pair, string? ca, int node = Self) =>
        new(new NodeName(TestCa.Cluster, node), new TlsFiles(pair.Certificate, pair.Key, ca));

    private static void Publish(PemPair pair, string version, string link)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(link)!, version)).FullName;
        File.Copy(pair.Certificate, Path.Combine(folder, "tls.crt"));
        File.Copy(pair.Key, Path.Combine(folder, "tls.key"));
        Directory.CreateSymbolicLink(link, folder);
    }

    private TlsOptions Wrong(string what)
    {
        PemPair good = _ca.Node(Self);
        const string None = "/none.pem";
        string empty = _ca.Write("empty.pem", "");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        switch (what)
        {
            case "certificate missing":
                return Options(good with { Certificate = None }, _ca.CaFile);
            case "key missing":
                return Options(good with { Key = None }, _ca.CaFile);
            case "ca missing":
                return Options(good, None);
            case "certificate empty":
                return Options(good with { Certificate = empty }, _ca.CaFile);
            case "key empty":
                return Options(good with { Key = empty }, _ca.CaFile);
            case "ca empty":
                return Options(good, empty);
            case "key encrypted":
                return Options(
                    good with { Key = _ca.Write("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----") }, _ca.CaFile);
            case "key of another":
                return Options(good with { Key = _ca.Node(Self).Key }, _ca.CaFile);
            case "expired":
                return Options(_ca.Node(Self, from: now.AddDays(-9), to: now.AddDays(-1)), _ca.CaFile);
            case "not yet":
                return Options(_ca.Node(Self, from: now.AddDays(1)), _ca.CaFile);
            case "other node":
                return Options(_ca.Node(Self + 1), _ca.CaFile);
            case "other cluster":
                return Options(_ca.Node(Self, "other"), _ca.CaFile);
            case "no node":
                return Options(_ca.Issue([], []), _ca.CaFile);
            case "other ca":
                using (var other = new TestCa("Other CA"))
                {
                    return Options(good, _ca.Write("other.pem", other.Pem));
                }

            case "server only":
                return Options(_ca.Issue([TestCa.NodeUri(Self)], ["1.3.6.1.5.5.7.3.1"]), _ca.CaFile);
            case "client only":
                return Options(_ca.Issue([TestCa.NodeUri(Self)], ["1.3.6.1.5.5.7.3.2"]), _ca.CaFile);
            default:
                throw new ArgumentException(what, nameof(what));
        }
    }
}
