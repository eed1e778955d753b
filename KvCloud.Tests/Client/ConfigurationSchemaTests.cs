using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using KvCloud.Client;
using KvCloud.Client.Diagnostics;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.Client;

/// <summary>ConfigurationSchema.json, by which editors complete appsettings files.</summary>
public sealed class ConfigurationSchemaTests
{
    private static readonly string[] Kinds = ["array", "boolean", "integer", "number", "object", "string"];

    private static readonly JsonElement Schema = JsonDocument
        .Parse(File.ReadAllText(Repository.File("KvCloud.Client", "ConfigurationSchema.json"))).RootElement;

    private static JsonElement Settings => At(Schema, "Aspire", "KvCloud", "Client");

    public static TheoryData<string> Configurable => [.. Names()];

    [Fact]
    public void ConfigurationSchema_of_the_client_has_every_setting_and_nothing_else() =>
        Assert.Equal(
            Names().Order(StringComparer.Ordinal),
            Settings.GetProperty("properties").EnumerateObject().Select(property => property.Name));

    [Theory]
    [MemberData(nameof(Configurable))]
    public void ConfigurationSchema_of_a_setting_has_its_type_default_and_description(string name)
    {
        PropertyInfo property = typeof(KvCloudClientSettings).GetProperty(name)!;
        JsonElement schema = At(Settings, name);
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        object? value = property.GetValue(new KvCloudClientSettings());

        Assert.NotEmpty(schema.GetProperty("description").GetString()!);
        if (type.IsEnum)
        {
            Assert.Equal(
                Enum.GetNames(type), schema.GetProperty("enum").EnumerateArray().Select(item => item.GetString()!));
        }
        else
        {
            Assert.Equal(KindOf(type), schema.GetProperty("type").GetString());
        }

        if (value is null || schema.TryGetProperty("items", out _))
        {
            Assert.False(schema.TryGetProperty("default", out _));
        }
        else
        {
            Assert.Equal(
                Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture),
                schema.GetProperty("default").ToString());
        }

        if (type == typeof(TimeSpan))
        {
            var pattern = new Regex(schema.GetProperty("pattern").GetString()!);
            Assert.Matches(pattern, "00:00:10");
            Assert.DoesNotMatch(pattern, "soon");
        }
    }

    [Fact]
    public void ConfigurationSchema_of_the_client_names_the_log_category() =>
        Assert.Equal(
            [ClientLog.Category],
            Schema.GetProperty("definitions").GetProperty("logLevel").GetProperty("properties").EnumerateObject()
                .Select(property => property.Name));

    /// <summary>Draft 4 to 2020-12 agree on the few keywords that are used here.</summary>
    [Fact]
    public void ConfigurationSchema_of_the_client_is_a_valid_schema() => Check(Schema, "#");

    /// <summary>What a configuration file can say; TlsOptions and TokenProvider are for code alone.</summary>
    private static IEnumerable<string> Names() =>
        typeof(KvCloudClientSettings).GetProperties()
            .Select(property => property.Name)
            .Where(name => name is not (nameof(KvCloudClientSettings.TlsOptions)
                or nameof(KvCloudClientSettings.TokenProvider)));

    private static void Check(JsonElement schema, string path)
    {
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            JsonElement value = keyword.Value;
            string here = $"{path}/{keyword.Name}";
            switch (keyword.Name)
            {
                case "type":
                    Assert.Contains(value.GetString(), Kinds);
                    break;
                case "properties":
                    Assert.All(value.EnumerateObject(), property => Check(property.Value, $"{here}/{property.Name}"));
                    break;
                case "items":
                    Check(value, here);
                    break;
                case "definitions":
                    Assert.All(value.EnumerateObject(), property => Check(property.Value, $"{here}/{property.Name}"));
                    break;
                case "enum":
                    Assert.Distinct(value.EnumerateArray().Select(item => item.GetString()));
                    break;
                case "pattern":
                    _ = new Regex(value.GetString()!, RegexOptions.ECMAScript);
                    break;
                case "$ref":
                    // Defined by the editors' own schema of appsettings files, into which this one is merged.
                    Assert.Equal("#/definitions/logLevelThreshold", value.GetString());
                    break;
                case "description":
                    Assert.Equal(JsonValueKind.String, value.ValueKind);
                    break;
                case "default":
                    break;
                default:
                    Assert.Fail($"{here} is no keyword of JSON schema that is used here");
                    break;
            }
        }
    }

    private static JsonElement At(JsonElement schema, params string[] path) =>
        path.Aggregate(schema, (element, name) => element.GetProperty("properties").GetProperty(name));

    private static string KindOf(Type type) =>
        type == typeof(bool) ? "boolean"
        : type == typeof(int) ? "integer"
        : type == typeof(string) || type == typeof(TimeSpan) ? "string"
        : "array";
}
