using System.Globalization;
using System.Text;
using KvCloud.Consensus;
using KvCloud.Tests.Simulation;

namespace KvCloud.Tests.Consensus;

/// <summary>
/// A group of cores that a transcript drives step by step: nothing ticks, arrives or gets durable but on command. Every
/// command answers with what it brought about.
/// </summary>
internal sealed class TranscriptCluster
{
    private readonly StringBuilder _output = new();
    private readonly List<Message> _onTheWay = [];
    private readonly List<Message> _held = [];
    private readonly HashSet<(int From, int To)> _cut = [];
    private Member[] _members = [];

    public string Run(string command)
    {
        _output.Clear();
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int[] numbers = [.. words.Skip(1).Select(NumberOrMinusOne)];
        switch (words[0])
        {
            case "cluster": Start(numbers[0], words); break;
            case "tick": Tick(numbers[0], numbers[1]); break;
            case "until": Until(numbers[0], words[2]); break;
            case "deliver": Deliver(words); break;
            case "drop": Print($"{Take(_onTheWay, words).Count} dropped"); break;
            case "hold": Hold(words); break;
            case "release": Release(words); break;
            case "cut": Cut(numbers, true); break;
            case "join": Cut(numbers, false); break;
            case "propose": Propose(numbers[0], words[2]); break;
            case "read": Do(numbers[0], core => core.ReadIndex(numbers[1])); break;
            case "stall": _members[numbers[0]].IsStalled = true; break;
            case "persist": Persist(numbers[0]); break;
            case "crash": Crash(numbers[0]); break;
            case "start": Restart(numbers[0]); break;
            case "trim": Trim(numbers[0], numbers[1]); break;
            case "durable": Do(numbers[0], core => core.DurableSlot = new Slot(numbers[1])); break;
            case "status": Status(); break;
            case "log": ShowLog(numbers[0]); break;
            default: throw new ArgumentException($"a transcript knows no command '{words[0]}'");
        }

        return _output.Length == 0 ? "ok\n" : _output.ToString();
    }

    private static int NumberOrMinusOne(string word) =>
        int.TryParse(word, CultureInfo.InvariantCulture, out int number) ? number : -1;

    private static string Option(string[] words, string name, string otherwise) =>
        words.FirstOrDefault(word => word.StartsWith(name + "=", StringComparison.Ordinal))?[(name.Length + 1)..]
        ?? otherwise;

    private void Start(int count, string[] words)
    {
        int window = int.Parse(Option(words, "window", "256"), CultureInfo.InvariantCulture);
        _members = [.. Enumerable.Range(0, count).Select(id => new Member(new PaxosConfig
        {
            Self = new NodeId(id),
            Voters = [.. Enumerable.Range(0, count).Select(voter => new NodeId(voter))],
            Seed = (ulong)id,
            MaxInFlightSlots = window,
        }))];
    }

    private void Tick(int id, int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            Do(id, core => core.AdvanceTo(++_members[id].Tick));
        }
    }

    /// <summary>Ticks until something is said by this name.</summary>
    private void Until(int id, string messageName)
    {
        for (int i = 0; i < 200 && !_onTheWay.Exists(message => IsFrom(message, id, messageName)); i++)
        {
            Tick(id, 1);
        }
    }

    private static bool IsFrom(Message message, int id, string name) =>
        message.From.Value == id && message.GetType().Name == name;

    /// <summary>
    /// deliver [from=N] [to=N] [kind=Name] [rounds=N]: what answers bring about is delivered too, unless limited.
    /// </summary>
    private void Deliver(string[] words)
    {
        int rounds = int.Parse(Option(words, "rounds", "100"), CultureInfo.InvariantCulture);
        for (int round = 0; round < rounds; round++)
        {
            List<Message> taken = Take(_onTheWay, words);
            if (taken.Count == 0)
            {
                return;
            }

            foreach (Message message in taken)
            {
                Arrive(message);
            }
        }
    }

    private void Arrive(Message message)
    {
        Member member = _members[message.To.Value];
        if (member.Core is null || _cut.Contains((message.From.Value, message.To.Value)))
        {
            Print($"lost {SimTrace.Describe(message)}");
            return;
        }

        Print($"{SimTrace.Describe(message)}");
        Do(message.To.Value, core => core.Step(message));
    }

    private List<Message> Take(List<Message> from, string[] words)
    {
        string sender = Option(words, "from", "");
        string receiver = Option(words, "to", "");
        string kind = Option(words, "kind", "");
        bool Matches(Message message) =>
            (sender.Length == 0 || sender == $"{message.From.Value}")
            && (receiver.Length == 0 || receiver == $"{message.To.Value}")
            && (kind.Length == 0 || kind == message.GetType().Name);
        List<Message> taken = from.FindAll(Matches);
        from.RemoveAll(Matches);
        return taken;
    }

    private void Hold(string[] words)
    {
        foreach (Message message in Take(_onTheWay, words))
        {
            Print($"held {SimTrace.Describe(message)}");
            _held.Add(message);
        }
    }

    private void Release(string[] words)
    {
        foreach (Message message in Take(_held, words))
        {
            Arrive(message);
        }
    }

    private void Cut(int[] pair, bool isCut)
    {
        foreach ((int, int) link in new[] { (pair[0], pair[1]), (pair[1], pair[0]) })
        {
            if (!(isCut ? _cut.Add(link) : _cut.Remove(link)))
            {
                Print($"{link.Item1}-{link.Item2} was so already");
            }
        }
    }

    private void Propose(int id, string text) => Do(id, core =>
    {
        ProposeResult result = core.Propose(Encoding.UTF8.GetBytes(text));
        Print(result.Status == ProposeStatus.Proposed
            ? $"proposed in slot {result.Slot} at {result.Ballot}"
            : $"{result.Status}");
    });

    private void Persist(int id)
    {
        Member member = _members[id];
        member.IsStalled = false;
        List<Effects> waiting = [.. member.Unwritten];
        member.Unwritten.Clear();
        foreach (Effects effects in waiting)
        {
            Write(member, effects);
        }

        Do(id, _ => { });
    }

    private void Crash(int id)
    {
        _members[id].Core = null;
        _members[id].Unwritten.Clear();
        _members[id].IsStalled = false;
    }

    private void Restart(int id)
    {
        Member member = _members[id];
        RestoredState restored = member.Restore();
        Print($"promised={restored.Promised} chosen={restored.ChosenSlot}{SimTrace.Describe(restored.Entries)}");
        member.Core = new PaxosNode(member.Config, restored);
        member.Tick = 0;
        member.Role = Role.Follower;
    }

    private void Trim(int id, int below)
    {
        Member member = _members[id];
        member.FirstSlot = new Slot(below);
        foreach (long slot in member.Log.Keys.Where(slot => slot < below).ToArray())
        {
            member.Log.Remove(slot);
        }
    }

    private void Status()
    {
        for (int id = 0; id < _members.Length; id++)
        {
            PaxosNode? core = _members[id].Core;
            Print(core is null
                ? $"{id} down"
                : $"{id} {core.Role} ballot={core.Ballot} promised={core.Promised} chosen={core.ChosenSlot} "
                    + $"inflight={core.InFlightSlots} opening={core.OpeningSlot} trim={core.TrimSlot} "
                    + $"tick={_members[id].Tick} lease={core.LeaseUntilTick}");
        }
    }

    private void ShowLog(int id)
    {
        Member member = _members[id];
        Print($"promised={member.Promised} chosen={member.ChosenSlot}"
            + SimTrace.Describe([.. member.Log.Values]));
    }

    private void Do(int id, Action<PaxosNode> action)
    {
        Member member = _members[id];
        if (member.Core is not PaxosNode core)
        {
            return;
        }

        action(core);
        while (core.TakeEffects() is { IsEmpty: false } effects)
        {
            CarryOut(member, effects);
        }

        if (core.Role != member.Role)
        {
            member.Role = core.Role;
            Print($"  {id} is {core.Role}");
        }
    }

    private void CarryOut(Member member, Effects effects)
    {
        _onTheWay.AddRange(effects.Send);
        if (effects.HasLogWrite || effects.SendAfterPersist.Count > 0)
        {
            if (member.IsStalled)
            {
                member.Unwritten.Add(effects);
            }
            else
            {
                Write(member, effects);
            }
        }

        foreach (ChosenEntry entry in effects.Chosen)
        {
            string what = entry.Value.Kind == ValueKind.NoOp ? "no-op" : Encoding.UTF8.GetString(
                entry.Value.Payload.Span);
            Print($"  {member.Config.Self.Value} has chosen {entry.Slot}:{what}@{entry.Value.Origin}");
        }

        foreach (ReadIndexResult read in effects.Reads)
        {
            Print($"  {member.Config.Self.Value} read {read.Id} "
                + (read.Confirmed ? $"may be served at slot {read.Slot}" : "is not confirmed"));
        }

        foreach (CatchUpOrder order in effects.CatchUps)
        {
            var entries = new List<LogEntry>();
            for (Slot slot = order.FromSlot;
                slot <= order.ToSlot && member.Log.TryGetValue(slot.Value, out LogEntry? entry);
                slot = slot.Next)
            {
                entries.Add(entry);
            }

            _onTheWay.Add(new CatchUpReply(
                member.Config.Self, order.To, member.FirstSlot, order.ToSlot, entries));
        }
    }

    private void Write(Member member, Effects effects)
    {
        if (effects.Promised is Ballot promised)
        {
            member.Promised = promised;
            Print($"  {member.Config.Self.Value} persists the promise {promised}");
        }

        member.ChosenSlot = effects.ChosenSlot ?? member.ChosenSlot;
        foreach (LogEntry entry in effects.Append)
        {
            member.Log[entry.Slot.Value] = entry;
            Print($"  {member.Config.Self.Value} persists {SimTrace.Describe(entry)}");
        }

        foreach (Message message in effects.SendAfterPersist)
        {
            if (message.To == member.Config.Self)
            {
                member.Core?.Step(message);
            }
            else
            {
                _onTheWay.Add(message);
            }
        }
    }

    private void Print(string line) => _output.Append(line).Append('\n');

    private sealed class Member(PaxosConfig config)
    {
        public PaxosConfig Config { get; } = config;

        public PaxosNode? Core { get; set; } = new(config, RestoredState.Empty);

        public Role Role { get; set; }

        public long Tick { get; set; }

        public bool IsStalled { get; set; }

        public List<Effects> Unwritten { get; } = [];

        public Ballot Promised { get; set; } = Ballot.Zero;

        public Slot ChosenSlot { get; set; }

        public Slot FirstSlot { get; set; } = new(1);

        public SortedDictionary<long, LogEntry> Log { get; } = [];

        public RestoredState Restore() =>
            new(Promised, ChosenSlot, [.. Log.Values.Where(entry => entry.Slot > ChosenSlot)]);
    }
}
