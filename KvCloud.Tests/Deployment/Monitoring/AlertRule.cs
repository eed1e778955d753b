using KvCloud.Tests.Support;
using YamlDotNet.RepresentationModel;

namespace KvCloud.Tests.Deployment.Monitoring;

/// <summary>An alert of deploy/prometheus.</summary>
internal sealed record AlertRule(string Name, string Query, string Severity, IReadOnlyDictionary<string, string> Notes)
{
    public static string RulesFile { get; } = Repository.File("deploy", "prometheus", "kvcloud.rules.yml");

    public static string TestsFile { get; } = Repository.File("deploy", "prometheus", "kvcloud.rules.test.yml");

    public static IReadOnlyList<AlertRule> All { get; } =
    [
        .. ((YamlSequenceNode)Parse(RulesFile)["groups"])
            .SelectMany(group => (YamlSequenceNode)group["rules"])
            .Select(rule => new AlertRule(
                Text(rule["alert"]),
                Text(rule["expr"]),
                Text(rule["labels"]["severity"]),
                ((YamlMappingNode)rule["annotations"]).Children
                    .ToDictionary(note => Text(note.Key), note => Text(note.Value)))),
    ];

    /// <summary>The alerts that fire in the cases of the rules' own tests.</summary>
    public static IReadOnlyList<string> Expected { get; } =
    [
        .. ((YamlSequenceNode)Parse(TestsFile)["tests"])
            .SelectMany(test => (YamlSequenceNode)test["promql_expr_test"])
            .SelectMany(test => (YamlSequenceNode)test["exp_samples"])
            .Select(sample => Text(sample["labels"]).Split('"')[1]),
    ];

    private static YamlNode Parse(string file)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(File.ReadAllText(file)));
        return stream.Documents.Single().RootNode;
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;
}
