using KvCloud.Consensus;
using KvCloud.Node.State;
using KvCloud.Protocol;

namespace KvCloud.Tests.Simulation;

/// <summary>A node's writes between their coming and their answer, as the production driver keeps them.</summary>
internal sealed class SimProposals(SimNode node, SimWorld world)
{
    private const int MaxBatch = 6;

    private readonly Queue<SimAttempt> _waiting = [];
    private readonly Dictionary<long, (Ballot Ballot, SimAttempt[] Attempts)> _inFlight = [];

    public bool IsEmpty => _waiting.Count == 0;

    public void Add(SimAttempt attempt) => _waiting.Enqueue(attempt);

    public void Clear()
    {
        _waiting.Clear();
        _inFlight.Clear();
    }

    public void Pump(PaxosNode core)
    {
        if (core.Role != Role.Leader)
        {
            while (_waiting.TryDequeue(out SimAttempt? attempt))
            {
                attempt.Refuse(world, core.Leader);
            }

            return;
        }

        while (_waiting.Count > 0)
        {
            SimAttempt[] batch = [.. _waiting.Take(MaxBatch)];
            byte[] payload = SimStore.Encode(batch, world.UnixMs);
            if (core.CanPropose(payload.Length) != ProposeStatus.Proposed)
            {
                return;
            }

            ProposeResult proposed = core.Propose(payload);
            Invariant.Check(proposed.Status == ProposeStatus.Proposed, "the window closed meanwhile");
            for (int i = 0; i < batch.Length; i++)
            {
                _waiting.Dequeue();
            }

            _inFlight.Add(proposed.Slot.Value, (proposed.Ballot, batch));
            world.Checker.Proposed(proposed.Slot, proposed.Ballot, batch);
            world.Trace($"node-{node.Self.Value}   proposes {string.Join(", ", batch.Select(item => item.Op))} "
                + $"in slot {proposed.Slot} at {proposed.Ballot}");
        }
    }

    public SimAttempt[]? TakeChosen(in ChosenEntry entry)
    {
        if (!_inFlight.Remove(entry.Slot.Value, out (Ballot Ballot, SimAttempt[] Attempts) proposed))
        {
            return null;
        }

        if (entry.Value.Origin == proposed.Ballot && entry.Value.Kind == ValueKind.Commands)
        {
            return proposed.Attempts;
        }

        foreach (SimAttempt attempt in proposed.Attempts)
        {
            if (world.Sabotage is Sabotage.AnswersWithoutOrigin)
            {
                attempt.Answer(world, new CommandResult(ErrorCode.OK, new CommitVersion(1)));
            }
            else
            {
                attempt.Refuse(world, node.Core?.Leader);
            }
        }

        return null;
    }
}
