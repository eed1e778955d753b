namespace KvCloud.Node.Configuration;

/// <summary>A name that service discovery resolves: <c>service</c>, or <c>_endpoint.service</c>.</summary>
internal static class ServiceName
{
    public static bool IsValid(string name)
    {
        if (!name.StartsWith('_'))
        {
            return IsLabels(name);
        }

        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 1 && IsLabels(name[1..dot]) && IsLabels(name[(dot + 1)..]);
    }

    /// <summary>The part after <c>_endpoint.</c>, or the whole name.</summary>
    public static string ServiceOf(string name) =>
        name.StartsWith('_') ? name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..] : name;

    private static bool IsLabels(string text) =>
        text.Length is > 0 and <= 253
        && char.IsAsciiLetterOrDigit(text[0])
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_');
}
