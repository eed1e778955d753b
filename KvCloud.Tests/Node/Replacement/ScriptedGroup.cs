using System.Collections.Concurrent;
using KvCloud.Node.Replacement;
using KvCloud.Node.Replication;

namespace KvCloud.Tests.Node.Replacement;

/// <summary>A group that answers as a test has it.</summary>
internal sealed class ScriptedGroup : IGroupCalls
{
    private readonly ConcurrentQueue<string> _changes = new();
    private volatile string _members = "";
    private volatile string? _silence;
    private int _asked;

    /// <summary>As in <see cref="ReplacementPlanTests"/>.</summary>
    public string Members
    {
        get => _members;
        set => _members = value;
    }

    /// <summary>Why it answers nothing; null if it does.</summary>
    public string? Silence
    {
        get => _silence;
        set => _silence = value;
    }

    /// <summary>How often it was asked who the members are.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>The changes that it was asked for.</summary>
    public IReadOnlyList<string> Changes => [.. _changes];

    /// <summary>Makes the change that is asked for, or throws.</summary>
    public Action<string> OnChange { get; set; } = _ => { };

    public Task<IReadOnlyList<SeenMember>> MembersAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        return Silence is string why
            ? throw new GroupCallException(why)
            : Task.FromResult<IReadOnlyList<SeenMember>>(ReplacementPlanTests.Members(Members));
    }

    public Task ChangeAsync(MemberChange change, CancellationToken cancellationToken)
    {
        string text = ReplacementPlanTests.Text(change);
        _changes.Enqueue(text);
        OnChange(text);
        return Task.CompletedTask;
    }
}
