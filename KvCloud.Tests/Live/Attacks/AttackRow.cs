namespace KvCloud.Tests.Live.Attacks;

/// <summary>What an attack did to the replica and to the others.</summary>
/// <param name="BeforeMb">Resident memory of the attacked replica before the attack, at most during it, and after
/// it.</param>
/// <param name="LogLines">Lines that the replica wrote meanwhile.</param>
internal sealed record AttackRow(
    string Name,
    string What,
    double BeforeMb,
    double MostMb,
    double AfterMb,
    double WriteP99BeforeMs,
    double WriteP99Ms,
    double ReadP99BeforeMs,
    double ReadP99Ms,
    int Failed,
    int LogLines);
