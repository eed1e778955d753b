namespace KvCloud.Node.Tls;

/// <summary>What came of looking at the files again.</summary>
internal enum ReloadOutcome
{
    Unchanged = 0,

    /// <summary>They differ, and may still be being written: the next look decides.</summary>
    Changing = 1,

    Reloaded = 2,

    /// <summary>They cannot be used; the former ones stay in use. Told once for each content.</summary>
    Failed = 3,
}

/// <summary>
/// The certificates in use. They are replaced as a whole when the files change: new handshakes use the new ones, and
/// connections go on with those they began with. What cannot be used replaces nothing.
/// </summary>
/// <remarks>
/// The files are compared by content, which holds for whatever replaces them: an editor, a rename, or the links that
/// Kubernetes moves. They must be the same twice before they are loaded, so that a certificate is not taken without its
/// key while somebody copies them.
/// </remarks>
internal sealed class CertificateStore
{
    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private volatile CertificateSet _current;
    private volatile string? _failure;
    private PemFiles _loaded;
    private PemFiles? _seen;
    private string? _told;
    private long _reloads;
    private long _failedReloads;

    private CertificateStore(TlsOptions options, TimeProvider time, PemFiles files)
    {
        _options = options;
        _time = time;
        _loaded = files;
        _current = CertificateSet.Load(options, files, time.GetUtcNow());
    }

    public CertificateSet Current => _current;

    public TlsOptions Options => _options;

    /// <summary>Why the files as they are now are not in use; null if they are.</summary>
    public string? Failure => _failure;

    public long Reloads => Interlocked.Read(ref _reloads);

    public long FailedReloads => Interlocked.Read(ref _failedReloads);

    public DateTimeOffset Now => _time.GetUtcNow();

    /// <exception cref="CertificateException">A file cannot be used.</exception>
    public static CertificateStore Open(TlsOptions options, TimeProvider time) =>
        new(options, time, PemFiles.Read(options.Files));

    /// <summary>Looks at the files again. One thread at a time.</summary>
    public ReloadOutcome Poll()
    {
        PemFiles files;
        try
        {
            files = PemFiles.Read(_options.Files);
        }
        catch (CertificateException error)
        {
            _seen = null;
            return Fail(error);
        }

        if (files == _loaded)
        {
            _seen = null;
            _failure = null;
            _told = null;
            return ReloadOutcome.Unchanged;
        }

        if (files != _seen)
        {
            _seen = files;
            return ReloadOutcome.Changing;
        }

        try
        {
            _current = CertificateSet.Load(_options, files, _time.GetUtcNow());
        }
        catch (CertificateException error)
        {
            return Fail(error);
        }

        _loaded = files;
        _seen = null;
        _failure = null;
        _told = null;
        Interlocked.Increment(ref _reloads);
        return ReloadOutcome.Reloaded;
    }

    private ReloadOutcome Fail(CertificateException error)
    {
        _failure = error.Message;
        if (_told == error.Message)
        {
            return ReloadOutcome.Unchanged;
        }

        _told = error.Message;
        Interlocked.Increment(ref _failedReloads);
        return ReloadOutcome.Failed;
    }
}
