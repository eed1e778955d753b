using System.Buffers.Binary;
using KvCloud.Consensus;
using KvCloud.Node.State;

namespace KvCloud.Tests.Simulation;

internal delegate void SimApplied(Slot slot, int index, in CommandResult result);

/// <summary>A replica's data. What was applied since the last flush is lost in a crash.</summary>
internal sealed class SimStore
{
    [ThreadStatic]
    private static Dictionary<int, SimAttempt>? _attempts;

    private readonly List<ChosenEntry> _applied = [];
    private SimModel _model = new();

    public static void Begin() => _attempts = [];

    public Slot AppliedSlot => _model.AppliedSlot;

    public Slot DurableSlot { get; private set; }

    public ulong Hash { get; private set; }

    public static byte[] Encode(IReadOnlyList<SimAttempt> attempts, long unixMs)
    {
        byte[] payload = new byte[8 + (attempts.Count * 4)];
        BinaryPrimitives.WriteInt64LittleEndian(payload, unixMs);
        for (int i = 0; i < attempts.Count; i++)
        {
            _attempts![attempts[i].Number] = attempts[i];
            BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(8 + (i * 4)), attempts[i].Number);
        }

        return payload;
    }

    public void Apply(IReadOnlyList<ChosenEntry> entries, SimApplied observer)
    {
        foreach (ChosenEntry entry in entries)
        {
            Invariant.Check(entry.Slot == AppliedSlot.Next, "applied out of order");
            _applied.Add(entry);
            var attempts = new List<SimAttempt>();
            ReadOnlySpan<byte> payload = entry.Value.Payload.Span;
            for (int at = 8; at < payload.Length; at += 4)
            {
                attempts.Add(_attempts![BinaryPrimitives.ReadInt32LittleEndian(payload[at..])]);
                Hash = (Hash * 31) + (ulong)attempts[^1].Number;
            }

            Hash = (Hash * 31) + (ulong)entry.Slot.Value;
            _model.Apply(entry.Slot, attempts);
            for (int i = 0; i < attempts.Count; i++)
            {
                SimModel.Outcome outcome = _model.OutcomeOf(entry.Slot, i);
                observer(entry.Slot, i, new CommandResult(outcome.Code, new CommitVersion(outcome.Version)));
            }
        }
    }

    public (string? Value, long Version) Read(string key) => _model.ValueAt(key, AppliedSlot);

    public void Flush() => DurableSlot = AppliedSlot;

    public void Crash()
    {
        List<ChosenEntry> kept = [.. _applied.Take((int)DurableSlot.Value)];
        Clear();
        Apply(kept, (Slot _, int _, in CommandResult _) => { });
    }

    public void Wipe()
    {
        DurableSlot = Slot.Zero;
        Clear();
    }

    private void Clear()
    {
        _applied.Clear();
        _model = new SimModel();
        Hash = 0;
    }
}
