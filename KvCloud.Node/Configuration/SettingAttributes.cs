namespace KvCloud.Node.Configuration;

/// <summary>
/// What a setting means, in one or two sentences. The reference page and the example file contain this text.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AboutAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>Inclusive bounds of a number. For a list, bounds of its length.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BetweenAttribute(double minimum, double maximum) : Attribute
{
    public double Minimum { get; } = minimum;

    public double Maximum { get; } = maximum;
}

/// <summary>The only values a setting may have; case-insensitive.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(params string[] values) : Attribute
{
    public IReadOnlyList<string> Values { get; } = values;
}

/// <summary>A value that is never printed.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecretAttribute : Attribute;

/// <summary>
/// A key that is accepted so that a file written for the existing server still loads; it has no effect.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NoEffectAttribute(string why) : Attribute
{
    public string Why { get; } = why;
}
