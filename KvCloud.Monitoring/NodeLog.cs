namespace KvCloud.Monitoring;

/// <summary>A node's answer at /log: slots of its log.</summary>
public sealed record NodeLog
{
    public required int NodeId { get; init; }

    public required string Role { get; init; }

    public int? LeaderId { get; init; }

    /// <summary>The highest ballot of a leader that it has followed.</summary>
    public required LogBallot Ballot { get; init; }

    /// <summary>It accepts nothing below.</summary>
    public required LogBallot Promised { get; init; }

    public required long FirstSlot { get; init; }

    public required long LastSlot { get; init; }

    public required long ChosenSlot { get; init; }

    public required long AppliedSlot { get; init; }

    public required IReadOnlyList<LogSlot> Slots { get; init; }
}

/// <summary>A ballot: rounds are compared first.</summary>
public sealed record LogBallot
{
    public required long Round { get; init; }

    /// <summary>Negative where there has been none.</summary>
    public required int NodeId { get; init; }

    /// <inheritdoc/>
    public override string ToString() => NodeId < 0 ? "none" : $"{Round}.{NodeId}";
}

/// <summary>What a slot holds.</summary>
public sealed record LogSlot
{
    public required long Slot { get; init; }

    /// <summary>commands, no_op or membership.</summary>
    public required string Kind { get; init; }

    /// <summary>The highest ballot at which the node accepted it.</summary>
    public required LogBallot Accepted { get; init; }

    /// <summary>The ballot that first proposed it.</summary>
    public required LogBallot Proposed { get; init; }

    public bool IsChosen { get; init; }

    public bool IsApplied { get; init; }

    public int Bytes { get; init; }

    public DateTimeOffset? Time { get; init; }

    public int CommandCount { get; init; }

    public IReadOnlyList<LogCommand> Commands { get; init; } = [];
}

/// <summary>A command of a slot, without its values.</summary>
public sealed record LogCommand
{
    public required string Kind { get; init; }

    public string? ColumnFamily { get; init; }

    public byte[]? Key { get; init; }

    public int? ValueBytes { get; init; }

    public int? MutationCount { get; init; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<LogCommand>? Mutations { get; init; }
}
