using System.Globalization;
using System.IO.Hashing;
using KvCloud.Consensus;
using KvCloud.Node.Files;
using KvCloud.Node.Operations;
using KvCloud.Node.Replication.Backup;
using KvCloud.Node.Replication.Log;
using KvCloud.Node.Replication.Snapshots;

namespace KvCloud.Tests.Simulation;

/// <summary>
/// Somebody makes a backup while all the trouble goes on, as `kv backup` does: the snapshot of one replica, and the log
/// that follows it from any that is there. Whatever is gone meanwhile he begins anew.
/// </summary>
internal sealed class SimBackup
{
    /// <summary>Drawn apart, so that a seed without a backup lives as it did before.</summary>
    public const ulong Seed = 0xBAC_0FF;

    private const string Staging = "/staging";
    private const int ReaderId = 1;

    private readonly SimWorld _world;
    private readonly DeterministicRandom _random;
    private readonly bool _isWanted;
    private SimNode? _source;
    private ServedSnapshot? _snapshot;
    private List<byte[]> _files = [];
    private List<byte> _piece = [];
    private Slot _next;
    private long _lostSlots;

    public SimBackup(SimWorld world, ulong seed, SimProfile profile)
    {
        _world = world;
        _random = new DeterministicRandom(seed ^ Seed);
        _isWanted = world.Origin is null && profile.AbsentForSlots == 0
            && (_random.Chance(250) || world.Sabotage.IsOfBackups());
        Disk = new SimDisk(_random);
    }

    /// <summary>Where the backup is kept.</summary>
    public SimDisk Disk { get; }

    public DeterministicRandom Random => _random;

    public string Directory => Staging;

    /// <summary>Null until it is whole.</summary>
    public SnapshotManifest? Snapshot { get; private set; }

    public Slot LastSlot { get; private set; }

    public void Start()
    {
        if (_isWanted)
        {
            _world.After(_random.Next(1_500) * SimProfile.Millisecond, Look);
        }
    }

    /// <summary>Reads what there still is, from a replica that has all of it.</summary>
    public void Finish()
    {
        _source = _world.Nodes.FirstOrDefault(node => node.Backups is not null);
        for (int i = 0; i < 1_000 && Snapshot is not null && TryStep(); i++)
        {
        }
    }

    private void Look()
    {
        if (_world.IsHealed)
        {
            return;
        }

        TryStep();
        _world.After((1 + _random.Next(40)) * SimProfile.Millisecond, Look);
    }

    /// <returns>Whether something new was read.</returns>
    private bool TryStep()
    {
        if (_source?.Backups is not BackupReads reads)
        {
            SimNode[] up = [.. _world.Nodes.Where(node => node.Backups is not null)];
            _source = up.Length == 0 ? null : up[_random.Next(up.Length)];
            BeginAnew(keepsWhole: true);
            return false;
        }

        try
        {
            return Snapshot is not null ? ReadLog(reads)
                : _snapshot is not null ? ReadPiece(reads, _snapshot)
                : Open(reads);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
            or LogCorruptException)
        {
            // The replica's disk is in trouble: it answers that something went wrong, and another is asked.
            _source = null;
            return false;
        }
    }

    private bool Open(BackupReads reads)
    {
        if (reads.OpenSnapshot(ReaderId, new Slot(-1), out ServedSnapshot? snapshot, out _) == BackupOutcome.Ready)
        {
            BeginAnew(keepsWhole: false);
            _snapshot = snapshot;
        }

        return _snapshot is not null;
    }

    private bool ReadPiece(BackupReads reads, ServedSnapshot snapshot)
    {
        SnapshotFile file = snapshot.Manifest.Files[_files.Count];
        int count = 1 + _random.Next(4_000);
        if (reads.ReadSnapshot(ReaderId, snapshot.Id, _files.Count, _piece.Count, count, out byte[] content)
            != BackupOutcome.Ready)
        {
            BeginAnew(keepsWhole: false);
            return false;
        }

        _piece.AddRange(content);
        if (_piece.Count == file.SizeBytes)
        {
            if (XxHash128.HashToUInt128([.. _piece]) != file.Hash)
            {
                // A bit has turned around: nothing of it is kept.
                BeginAnew(keepsWhole: false);
                return false;
            }

            _files.Add([.. _piece]);
            _piece = [];
        }

        if (_files.Count == snapshot.Manifest.Files.Count)
        {
            Keep(snapshot.Manifest);
        }

        return true;
    }

    private bool ReadLog(BackupReads reads)
    {
        LogRead read = reads.ReadLog(ReaderId, _next, 1 + _random.Next(2_000));
        if (read.Outcome == BackupOutcome.Trimmed)
        {
            Snapshot = null;
            BeginAnew(keepsWhole: false);
        }

        if (read.Block is not { } block)
        {
            return false;
        }

        _next = block.Last.Next;
        if (_world.Sabotage is Sabotage.BackupsLoseBlocks && _random.Chance(300))
        {
            _lostSlots += block.Entries.Count;
            return true;
        }

        Write(block with
        {
            AppliedVersion = _world.Sabotage is Sabotage.RestoresKeepVersions
                ? CommitVersion.Zero
                : block.AppliedVersion,
            Entries =
            [
                .. block.Entries.Select(entry => entry with { Slot = new Slot(entry.Slot.Value - _lostSlots) }),
            ],
        });
        return true;
    }

    private void Write(LogBlock block)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"{Staging}/log/{block.First.Value:D20}.log");
        Disk.WriteAllBytes(name, block.Encode());
        LastSlot = block.Last;
    }

    private void Keep(SnapshotManifest manifest)
    {
        Disk.DeleteDirectory(Staging);
        Disk.CreateDirectories($"{Staging}/data");
        Disk.CreateDirectories($"{Staging}/log");
        for (int i = 0; i < _files.Count; i++)
        {
            Disk.WriteAllBytes($"{Staging}/data/{manifest.Files[i].Name}", _files[i]);
        }

        Snapshot = manifest;
        LastSlot = manifest.State.Slot;
        _next = LastSlot.Next;
        _lostSlots = 0;
        _world.Trace($"backup   has the snapshot of slot {LastSlot}");
    }

    /// <param name="keepsWhole">A snapshot that is whole stays: its log goes on in any replica.</param>
    private void BeginAnew(bool keepsWhole)
    {
        if (!keepsWhole || Snapshot is null)
        {
            _snapshot = null;
            _files = [];
            _piece = [];
        }
    }
}
