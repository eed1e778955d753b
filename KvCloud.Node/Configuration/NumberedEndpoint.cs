using System.Globalization;

namespace KvCloud.Node.Configuration;

/// <summary>
/// An entry of a list of endpoints: <c>host:port</c>, whose node id is its place in the list, or
/// <c>41=host:port</c>, which names the id.
/// </summary>
internal readonly record struct NumberedEndpoint(int NodeId, string Endpoint, bool IsNumbered)
{
    /// <summary>What follows the id is not checked here.</summary>
    public static NumberedEndpoint Of(string entry, int place)
    {
        int equals = entry.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && int.TryParse(
            entry.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? new NumberedEndpoint(id, entry[(equals + 1)..], IsNumbered: true)
            : new NumberedEndpoint(place, entry, IsNumbered: false);
    }

    public static IReadOnlyList<NumberedEndpoint> AllOf(IReadOnlyList<string> entries) => [.. entries.Select(Of)];
}
