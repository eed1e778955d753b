using System.Globalization;

namespace KvCloud.Node.Diagnostics;

/// <summary>The parameters of a request's query. What is wrong with one is answered by name.</summary>
internal sealed class HttpQuery(HttpRequest request)
{
    /// <summary>What is wrong with the first parameter that is wrong; null while all are sound.</summary>
    public IResult? Refusal { get; private set; }

    /// <summary>Null if the parameter is not given, or wrong.</summary>
    public long? Number(string name, long least, long most)
    {
        string text = request.Query[name].ToString();
        if (text.Length == 0)
        {
            return null;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most)
        {
            return number;
        }

        Refusal ??= Refuse($"{name}: '{Shortened(text)}' is no number from {least} to {most}");
        return null;
    }

    /// <summary>Null if the parameter is not given, or wrong.</summary>
    public string? OneOf(string name, IReadOnlyCollection<string> choices)
    {
        string text = request.Query[name].ToString();
        if (text.Length == 0 || choices.Contains(text))
        {
            return text.Length == 0 ? null : text;
        }

        Refusal ??= Refuse($"{name}: '{Shortened(text)}' is none of {string.Join(", ", choices)}");
        return null;
    }

    private static IResult Refuse(string message) =>
        HttpError.Result(StatusCodes.Status400BadRequest, "INVALID_ARGUMENT", message);

    private static string Shortened(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
