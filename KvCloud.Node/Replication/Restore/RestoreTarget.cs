using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// A data root that appears whole or not at all. Beside it, and gone in the end: <c>TARGET.replay</c>, where the log is
/// applied, <c>TARGET.restoring</c>, what becomes the target by being renamed, and <c>TARGET.lock</c>, held meanwhile.
/// What an earlier attempt left of them is removed.
/// </summary>
internal sealed class RestoreTarget : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _target;
    private readonly IDisposable _held;

    /// <exception cref="RestoreRefusedException">
    /// It is not empty, cannot be renamed to, or another restore works on it.
    /// </exception>
    public RestoreTarget(IFileSystem files, string target)
    {
        _files = files;
        _target = target;
        if (files.IsMountPoint(target))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target,
                $"{target} is a mount point: the target appears by a rename, which cannot replace one."
                + " Name a directory below it");
        }

        CheckIsEmpty();
        files.CreateDirectories(Path.GetDirectoryName(target)!);
        try
        {
            _held = files.TakeLock(LockPath);
        }
        catch (FileInUseException exception)
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target, $"another restore to {target} is under way", exception);
        }

        Remove(Replay);
        Remove(Restoring);
    }

    /// <summary>A place to work at, on the same volume; not there at the beginning.</summary>
    public string Replay => _target + ".replay";

    private string Restoring => _target + ".restoring";

    private string LockPath => _target + ".lock";

    /// <summary>The directory that becomes the target.</summary>
    public string Begin()
    {
        _files.CreateDirectory(Restoring);
        return Restoring;
    }

    /// <summary>What was made, and is durable, becomes the target.</summary>
    public void Complete()
    {
        CheckIsEmpty();
        Remove(_target);
        _files.MoveDirectory(Restoring, _target);
        _files.FlushParent(_target);
    }

    /// <summary>What is not complete is gone.</summary>
    public void Dispose()
    {
        Remove(Replay);
        Remove(Restoring);
        _files.Delete(LockPath);
        _held.Dispose();
    }

    private void CheckIsEmpty()
    {
        if (_files.FileExists(_target)
            || (_files.DirectoryExists(_target)
                && (_files.ListFiles(_target).Count > 0 || _files.ListDirectories(_target).Count > 0)))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target, $"{_target} is there and not empty: a restore never writes over anything");
        }
    }

    private void Remove(string path)
    {
        if (_files.DirectoryExists(path))
        {
            _files.DeleteDirectory(path);
            _files.FlushParent(path);
        }
    }
}
