using KvCloud.Node.Operations;

namespace KvCloud.Tests.Node.Operations;

public sealed class KvStatusTests
{
    /// <summary>
    /// They are on disk, in the state hash and in messages between replicas: a replica with other numbers would differ
    /// from the rest. Only ever add to this list.
    /// </summary>
    [Fact]
    public void KvStatus_numbers_never_change() =>
        Assert.Equal(
            [
                "Ok = 0", "NotLeader = 1", "NoLeader = 2", "Overloaded = 3", "OutcomeUnknown = 4", "Timeout = 5",
                "InvalidArgument = 6", "Conflict = 8", "VersionTooOld = 9", "VersionInFuture = 10",
                "InvalidOperation = 11", "ColumnFamilyNotFound = 12", "ColumnFamilyExists = 13", "KeyTooLarge = 14",
                "ValueTooLarge = 15", "TransactionTooLarge = 16", "TooManyOperations = 17", "SessionExpired = 18",
                "TooStale = 20", "ShuttingDown = 21", "Corruption = 22", "Internal = 24", "SequenceReused = 25",
                "NoSpace = 26", "FeatureNotActive = 29", "PermissionDenied = 30", "AccessNotFound = 31",
                "AccessExists = 32", "LastAdmin = 33",
            ],
            Enum.GetValues<KvStatus>().Select(status => $"{status} = {(int)status}"));
}
