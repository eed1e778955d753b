using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;

namespace KvCloud.WebConsole.Data;

/// <summary>The lines of a value before and after an edit.</summary>
public static class ValueDifference
{
    public static IReadOnlyList<DiffPiece> Between(string before, string after) =>
        InlineDiffBuilder.Diff(before, after).Lines;
}
