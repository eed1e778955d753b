using System.Globalization;
using System.Text;

namespace KvCloud.Monitoring;

/// <summary>Reads Prometheus' text exposition format, version 0.0.4, as a node's /metrics answers it.</summary>
public static class PrometheusText
{
    /// <summary>The samples in the order of their lines; comments and lines that are no sample are skipped.</summary>
    public static IEnumerable<MetricSample> Parse(string text)
    {
        foreach (ReadOnlyMemory<char> line in LinesOf(text))
        {
            if (TryParseLine(line.Span, out MetricSample? sample))
            {
                yield return sample!;
            }
        }
    }

    private static IEnumerable<ReadOnlyMemory<char>> LinesOf(string text)
    {
        int begin = 0;
        while (begin < text.Length)
        {
            int end = text.IndexOf('\n', begin);
            end = end < 0 ? text.Length : end;
            yield return text.AsMemory(begin, end - begin);
            begin = end + 1;
        }
    }

    private static bool TryParseLine(ReadOnlySpan<char> line, out MetricSample? sample)
    {
        sample = null;
        line = line.Trim();
        if (line.IsEmpty || line[0] == '#')
        {
            return false;
        }

        int nameEnd = line.IndexOfAny('{', ' ');
        if (nameEnd <= 0)
        {
            return false;
        }

        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        ReadOnlySpan<char> rest = line[nameEnd..];
        if (rest[0] == '{' && !TryParseLabels(ref rest, labels))
        {
            return false;
        }

        rest = rest.TrimStart();
        int valueEnd = rest.IndexOf(' ');
        ReadOnlySpan<char> number = valueEnd < 0 ? rest : rest[..valueEnd];
        if (!TryParseValue(number, out double value))
        {
            return false;
        }

        sample = new MetricSample(line[..nameEnd].ToString(), labels, value);
        return true;
    }

    /// <summary>Takes <c>{name="value",…}</c> off the beginning of the rest.</summary>
    private static bool TryParseLabels(ref ReadOnlySpan<char> rest, Dictionary<string, string> labels)
    {
        rest = rest[1..];
        while (true)
        {
            rest = rest.TrimStart(" ,");
            if (rest.IsEmpty)
            {
                return false;
            }

            if (rest[0] == '}')
            {
                rest = rest[1..];
                return true;
            }

            int nameEnd = rest.IndexOf("=\"", StringComparison.Ordinal);
            if (nameEnd <= 0)
            {
                return false;
            }

            string name = rest[..nameEnd].ToString();
            rest = rest[(nameEnd + 2)..];
            if (!TryParseQuoted(ref rest, out string value))
            {
                return false;
            }

            labels[name] = value;
        }
    }

    private static bool TryParseQuoted(ref ReadOnlySpan<char> rest, out string value)
    {
        var text = new StringBuilder();
        for (int i = 0; i < rest.Length; i++)
        {
            switch (rest[i])
            {
                case '"':
                    value = text.ToString();
                    rest = rest[(i + 1)..];
                    return true;
                case '\\' when i + 1 < rest.Length:
                    i++;
                    text.Append(rest[i] == 'n' ? '\n' : rest[i]);
                    break;
                default:
                    text.Append(rest[i]);
                    break;
            }
        }

        value = "";
        return false;
    }

    private static bool TryParseValue(ReadOnlySpan<char> text, out double value)
    {
        switch (text)
        {
            case "+Inf":
                value = double.PositiveInfinity;
                return true;
            case "-Inf":
                value = double.NegativeInfinity;
                return true;
            default:
                return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
        }
    }
}
