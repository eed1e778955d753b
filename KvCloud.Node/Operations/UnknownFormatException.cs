namespace KvCloud.Node.Operations;

/// <summary>
/// Something was written by a newer version of this program. The replica stops rather than guess: replicas that know
/// the format go another way than one that skips it.
/// </summary>
internal sealed class UnknownFormatException(string what, int found, int known)
    : Exception($"This program knows {what} format {known}, but found format {found}: upgrade this replica.");
