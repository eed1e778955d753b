using KvCloud.Node.Files;

namespace KvCloud.Node.Replication.Restore;

/// <summary>
/// A data root that appears atomically. Temporary siblings: <c>TARGET.replay</c>, where the log is applied,
/// <c>TARGET.restoring</c>, which is renamed to the target, and <c>TARGET.lock</c>, held meanwhile. Leftovers of an
/// earlier attempt are removed.
/// </summary>
internal sealed class RestoreTarget : IDisposable
{
    private readonly IFileSystem _files;
    private readonly string _target;
    private readonly IDisposable _held;

    /// <exception cref="RestoreRefusedException">
    /// The target is not empty or a mount point, or another restore is using it.
    /// </exception>
    public RestoreTarget(IFileSystem files, string target)
    {
        _files = files;
        _target = target;
        if (files.IsMountPoint(target))
        {
            throw new RestoreRefusedException(
                RestoreFlaw.Target,
                $"{target} is a mount point, which the rename that completes a restore cannot replace; nothing was"
                + " restored. Name a directory below it");
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
                RestoreFlaw.Target, $"another restore to {target} is under way; nothing was restored", exception);
        }

        Remove(Replay);
        Remove(Restoring);
    }

    /// <summary>A working directory on the same volume; the caller creates it.</summary>
    public string Replay => _target + ".replay";

    private string Restoring => _target + ".restoring";

    private string LockPath => _target + ".lock";

    /// <summary>Creates the directory that becomes the target.</summary>
    public string Begin()
    {
        _files.CreateDirectory(Restoring);
        return Restoring;
    }

    /// <summary>Renames what was created, and is durable, to the target.</summary>
    public void Complete()
    {
        CheckIsEmpty();
        Remove(_target);
        _files.MoveDirectory(Restoring, _target);
        _files.FlushParent(_target);
    }

    /// <summary>Removes the temporary siblings.</summary>
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
                RestoreFlaw.Target,
                $"{_target} is not empty, and a restore overwrites nothing: name another target, or remove this one");
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
