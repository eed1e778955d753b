namespace KvCloud.Node.Operations;

/// <summary>
/// The version of a write command that took effect, assigned by the state machine: the same on every replica, and
/// larger than every earlier one. The first is 1; <see cref="Zero"/> is the empty database.
/// </summary>
internal readonly record struct CommitVersion(long Value) : IComparable<CommitVersion>
{
    public static readonly CommitVersion Zero = new(0);

    public CommitVersion Next => new(Value + 1);

    public int CompareTo(CommitVersion other) => Value.CompareTo(other.Value);

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    public static bool operator <(CommitVersion left, CommitVersion right) => left.Value < right.Value;
    public static bool operator >(CommitVersion left, CommitVersion right) => left.Value > right.Value;
    public static bool operator <=(CommitVersion left, CommitVersion right) => left.Value <= right.Value;
    public static bool operator >=(CommitVersion left, CommitVersion right) => left.Value >= right.Value;
}
