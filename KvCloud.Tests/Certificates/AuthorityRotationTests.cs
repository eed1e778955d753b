using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using KvCloud.Certificates;

namespace KvCloud.Tests.Certificates;

/// <summary>TLS on both sides with the files of `kv cert`, step by step as docs/security.md replaces a CA.</summary>
public sealed class AuthorityRotationTests : IDisposable
{
    private const string Host = "node-0.example";

    private readonly CertificateFolder _old = new(name: "Old");
    private readonly CertificateFolder _next = new(name: "Next");

    public void Dispose()
    {
        _old.Dispose();
        _next.Dispose();
    }

    [Fact]
    public async Task CertificateAuthority_replaced_by_a_bundle_never_stops_anybody()
    {
        CertificatePaths oldNode = _old.Node("orders", 0, Host);
        CertificatePaths oldPeer = _old.Node("orders", 1, "node-1.example");
        string both = Path.Combine(_old.Path, "both.crt");
        await File.WriteAllTextAsync(
            both,
            await File.ReadAllTextAsync(_old.Authority.Certificate)
            + await File.ReadAllTextAsync(_next.Authority.Certificate));
        CertificatePaths newNode = _next.Node("orders", 0, Host);
        CertificatePaths newPeer = _next.Node("orders", 1, "node-1.example");

        // The bundle reaches one after the other.
        await ConnectAsync(oldNode, both, oldPeer, _old.Authority.Certificate);
        await ConnectAsync(oldNode, both, oldPeer, both);

        // So do the new certificates.
        await ConnectAsync(newNode, both, oldPeer, both);
        await ConnectAsync(oldNode, both, newPeer, both);
        await ConnectAsync(newNode, both, newPeer, both);

        // And the end of the old CA.
        await ConnectAsync(newNode, _next.Authority.Certificate, newPeer, both);
        await ConnectAsync(newNode, _next.Authority.Certificate, newPeer, _next.Authority.Certificate);
    }

    [Fact]
    public async Task CertificateAuthority_that_is_no_longer_trusted_is_refused()
    {
        CertificatePaths newNode = _next.Node("orders", 0, Host);
        CertificatePaths newPeer = _next.Node("orders", 1, "node-1.example");
        CertificatePaths oldPeer = _old.Node("orders", 1, "node-1.example");

        await Assert.ThrowsAsync<AuthenticationException>(
            () => ConnectAsync(newNode, _next.Authority.Certificate, oldPeer, _next.Authority.Certificate));
        await Assert.ThrowsAsync<AuthenticationException>(
            () => ConnectAsync(newNode, _next.Authority.Certificate, newPeer, _old.Authority.Certificate));
    }

    /// <summary>Shakes hands in TLS 1.2, where a side learns in the handshake itself that it was refused.</summary>
    private static async Task ConnectAsync(
        CertificatePaths server, string trustedByServer, CertificatePaths client, string trustedByClient)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var near = new TcpClient();
        await near.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using TcpClient far = await listener.AcceptTcpClientAsync();
        using X509Certificate2 serverCertificate = Load(server);
        using X509Certificate2 clientCertificate = Load(client);
        await using var serverSide = new SslStream(far.GetStream());
        await using var clientSide = new SslStream(near.GetStream());
        Task serving = ServeAsync(serverSide, new SslServerAuthenticationOptions
        {
            ServerCertificate = serverCertificate,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls12,
            CertificateChainPolicy = Trusting(trustedByServer),
        });
        try
        {
            await clientSide.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = Host,
                ClientCertificates = [clientCertificate],
                EnabledSslProtocols = SslProtocols.Tls12,
                CertificateChainPolicy = Trusting(trustedByClient),
            });
            await clientSide.WriteAsync(new byte[] { 7 });
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            near.Close();
            await Assert.ThrowsAnyAsync<Exception>(() => serving);
            throw new AuthenticationException(exception.Message, exception);
        }

        await serving;
    }

    private static async Task ServeAsync(SslStream stream, SslServerAuthenticationOptions options)
    {
        try
        {
            await stream.AuthenticateAsServerAsync(options);
            byte[] read = new byte[1];
            await stream.ReadExactlyAsync(read);
            Assert.Equal(7, read[0]);
        }
        catch (AuthenticationException)
        {
            // The client waits for an answer that does not come.
            stream.Close();
            throw;
        }
    }

    private static X509Certificate2 Load(CertificatePaths paths) =>
        X509Certificate2.CreateFromPemFile(paths.Certificate, paths.Key);

    private static X509ChainPolicy Trusting(string authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.ImportFromPemFile(authorities);
        return policy;
    }
}
