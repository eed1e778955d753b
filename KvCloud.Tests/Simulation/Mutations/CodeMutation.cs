using System.Globalization;
using KvCloud.Tests.Support;
using Tomlyn;
using Tomlyn.Model;

namespace KvCloud.Tests.Simulation;

/// <summary>One change of the production code that breaks a rule: see mutations.toml.</summary>
/// <param name="File">Below the root of the repository.</param>
/// <param name="World">The sabotage whose world it is run in, without that sabotage; null for any world.</param>
/// <param name="Finds">What the checker says that must find it; null where <paramref name="Unfound"/> says why none
/// does.</param>
internal sealed record CodeMutation(
    string Name, string Rule, string File, string Find, string Replace, string? Finds, string? Unfound, string? World,
    ulong From)
{
    public static IReadOnlyList<CodeMutation> Load()
    {
        string path = Repository.File("KvCloud.Tests", "Simulation", "Mutations", "mutations.toml");
        TomlTable document = TomlSerializer.Deserialize<TomlTable>(System.IO.File.ReadAllText(path))!;
        return [.. ((TomlTableArray)document["mutation"]).Select(Read)];
    }

    /// <summary>The text of the file with the change in it.</summary>
    public string Apply(string source)
    {
        int place = source.IndexOf(Find, StringComparison.Ordinal);
        if (place < 0 || source.IndexOf(Find, place + 1, StringComparison.Ordinal) >= 0)
        {
            throw new InvalidDataException($"{Name}: {File} does not hold exactly once: {Find}");
        }

        return string.Concat(source.AsSpan(0, place), Replace, source.AsSpan(place + Find.Length));
    }

    private static CodeMutation Read(TomlTable table)
    {
        string Text(string key) => (string)table[key];
        string? Optional(string key) => table.TryGetValue(key, out object? value) ? (string)value : null;
        return new CodeMutation(
            Text("name"),
            Text("rule"),
            Text("file"),
            Text("find"),
            Text("replace"),
            Optional("finds"),
            Optional("unfound"),
            Optional("world"),
            table.TryGetValue("from", out object? from) ? Convert.ToUInt64(from, CultureInfo.InvariantCulture) : 1);
    }
}
