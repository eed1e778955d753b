namespace KvCloud.Node.Configuration;

/// <summary>
/// What a setting means, in one or two sentences: the reference page and the example file are made from it.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AboutAttribute(string text) : Attribute
{
    public string Text { get; } = text;
}

/// <summary>Bounds of a number, both included. A list of text has bounds of its count.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class BetweenAttribute(double minimum, double maximum) : Attribute
{
    public double Minimum { get; } = minimum;

    public double Maximum { get; } = maximum;
}

/// <summary>The only texts a setting may have; case does not matter.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneOfAttribute(params string[] values) : Attribute
{
    public IReadOnlyList<string> Values { get; } = values;
}

/// <summary>Never printed.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class SecretAttribute : Attribute;

/// <summary>Accepted so that a file written for the existing server still loads; changes nothing here.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NoEffectAttribute(string why) : Attribute
{
    public string Why { get; } = why;
}
