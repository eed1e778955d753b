using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Restore;

/// <summary>Held during a restore, so that no second one works on the same target.</summary>
internal sealed class RestoreLock : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _path;
    private readonly IDisposable _held;

    /// <exception cref="RestoreRefusedException">Another restore holds it.</exception>
    public RestoreLock(IFileSystem files, string target)
    {
        _files = files;
        _path = target + ".lock";
        try
        {
            _held = files.TakeLock(_path);
        }
        catch (FileInUseException exception)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target, $"another restore to {target} is under way", exception);
        }
    }

    public void Dispose()
    {
        _files.Delete(_path);
        _held.Dispose();
    }
}
