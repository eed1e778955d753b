using System.Collections.Frozen;
using System.Globalization;
using System.Reflection;
using System.Text.Json;

namespace KvCloud.Node.Configuration;

/// <summary>One setting, described by its property and the property's attributes.</summary>
internal sealed class Setting
{
    private const NumberStyles Integer = NumberStyles.AllowLeadingSign;

    private readonly PropertyInfo _section;
    private readonly PropertyInfo _property;
    private readonly FrozenDictionary<string, object> _enumValues;

    public Setting(PropertyInfo section, PropertyInfo property)
    {
        _section = section;
        _property = property;
        ValueType = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        SectionName = SnakeCase(section.Name);
        Key = SnakeCase(property.Name);
        Path = $"{SectionName}.{Key}";
        ConfigurationPath = $"{SettingsCatalog.RootSection}:{section.Name}:{property.Name}";
        EnvironmentName = ConfigurationPath.Replace(":", "__", StringComparison.Ordinal);
        About = property.GetCustomAttribute<AboutAttribute>()?.Text
            ?? throw new InvalidOperationException($"{section.Name}.{property.Name} needs an [About].");
        Bounds = property.GetCustomAttribute<BetweenAttribute>();
        IsSecret = property.GetCustomAttribute<SecretAttribute>() is not null;
        NoEffect = property.GetCustomAttribute<NoEffectAttribute>()?.Why;
        _enumValues = ValueType.IsEnum
            ? Enum.GetValues(ValueType).Cast<object>()
                .ToFrozenDictionary(value => EnumText(value), StringComparer.OrdinalIgnoreCase)
            : FrozenDictionary<string, object>.Empty;
        Choices = ValueType.IsEnum
            ? [.. Enum.GetValues(ValueType).Cast<object>().Select(EnumText)]
            : property.GetCustomAttribute<OneOfAttribute>()?.Values ?? [];
    }

    /// <summary>The TOML table, such as <c>consensus</c>.</summary>
    public string SectionName { get; }

    /// <summary>The key in it, such as <c>election_timeout_ms</c>.</summary>
    public string Key { get; }

    /// <summary>The name in messages: <c>consensus.election_timeout_ms</c>.</summary>
    public string Path { get; }

    /// <summary>The name in Microsoft.Extensions.Configuration: <c>KvCloud:Consensus:ElectionTimeoutMs</c>.</summary>
    public string ConfigurationPath { get; }

    public string EnvironmentName { get; }

    public string About { get; }

    public BetweenAttribute? Bounds { get; }

    public IReadOnlyList<string> Choices { get; }

    public bool IsSecret { get; }

    public string? NoEffect { get; }

    public Type ValueType { get; }

    public bool IsList => ValueType == typeof(IReadOnlyList<string>) || IsNumberList;

    private bool IsNumberList => ValueType == typeof(IReadOnlyList<int>);

    /// <summary>The allowed values: "an integer from 10 to 20000", "one of a, b or c".</summary>
    public string Allowed =>
        Choices.Count == 1 ? $"\"{Choices[0]}\", the only choice"
        : Choices.Count > 1 ? $"one of {JoinWithOr(Choices)}"
        : ValueType == typeof(bool) ? "true or false"
        : IsNumberList ? $"a list of at most {Number(Bounds!.Maximum)} integers"
        : IsList ? Bounds is null ? "a list of text" : $"a list of at most {Number(Bounds.Maximum)}"
        : ValueType == typeof(string) ? "text"
        : (ValueType == typeof(double) ? "a number" : "an integer")
            + $" from {Number(Bounds!.Minimum)} to {Number(Bounds.Maximum)}";

    public static string SnakeCase(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    public object? Get(NodeOptions options) => _property.GetValue(_section.GetValue(options));

    /// <summary>Sets the value. The options must not have been published yet.</summary>
    public void Set(NodeOptions options, object? value) => _property.SetValue(_section.GetValue(options), value);

    /// <summary>The value in TOML syntax; null if it is not set.</summary>
    public string? Text(NodeOptions options) => Get(options) switch
    {
        null => null,
        _ when IsSecret => "(set, not shown)",
        bool value => value ? "true" : "false",
        string value => Quote(value),
        IReadOnlyList<string> values => $"[{string.Join(", ", values.Select(Quote))}]",
        IReadOnlyList<int> numbers => $"[{string.Join(", ", numbers.Select(number => Number(number)))}]",
        Enum value => Quote(EnumText(value)),
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        object value => Quote(value.ToString()!),
    };

    /// <summary>Parses the entries of a list; false if one has the wrong type.</summary>
    public bool TryParseList(string[] texts, out object? list)
    {
        list = texts;
        if (IsNumberList)
        {
            int[] numbers = new int[texts.Length];
            list = numbers;
            for (int at = 0; at < texts.Length; at++)
            {
                if (!int.TryParse(texts[at], Integer, CultureInfo.InvariantCulture, out numbers[at]))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Parses a value; false if it has the wrong type, is out of bounds, or is none of the choices.</summary>
    public bool TryParse(string text, out object? value)
    {
        text = text.Trim();
        value = null;
        if (ValueType == typeof(string))
        {
            value = Choices.Count == 0 ? text : Choices.FirstOrDefault(choice => Same(choice, text));
            return value is not null;
        }

        if (ValueType == typeof(bool))
        {
            bool parsed = bool.TryParse(text, out bool flag);
            value = flag;
            return parsed;
        }

        return ValueType.IsEnum ? _enumValues.TryGetValue(text, out value) : TryParseNumber(text, out value);
    }

    private bool TryParseNumber(string text, out object? value)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        value = null;
        if (ValueType == typeof(int) && int.TryParse(text, Integer, culture, out int small))
        {
            value = small;
        }
        else if (ValueType == typeof(long) && long.TryParse(text, Integer, culture, out long large))
        {
            value = large;
        }
        else if (ValueType == typeof(double) && double.TryParse(text, NumberStyles.Float, culture, out double real))
        {
            value = real;
        }

        return value is not null && IsWithin(Convert.ToDouble(value, culture));
    }

    /// <summary>A comparison with NaN is false, so NaN counts as out of bounds.</summary>
    private bool IsWithin(double number) => Bounds is null || (number >= Bounds.Minimum && number <= Bounds.Maximum);

    private static string EnumText(object value) => SnakeCase(value.ToString()!);

    private static string JoinWithOr(IReadOnlyList<string> values) =>
        $"{string.Join(", ", values.Take(values.Count - 1))} or {values[^1]}";

    private static string Number(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    private static bool Same(string left, string right) =>
        string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
