using System.Reflection;
using System.Text.RegularExpressions;
using KvCloud.Protocol;

namespace KvCloud.Tests.Architecture;

/// <summary>
/// Tests are named <c>Member_condition_result</c>: the first word is what is under test, as the code spells it.
/// </summary>
public sealed partial class TestNameTests
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public
        | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>The folder with the tests of an assembly. Those of the other folders are about all of them.</summary>
    private static readonly Dictionary<string, string[]> Production = new()
    {
        ["Aspire"] = ["KvCloud.Aspire.Hosting"],
        ["Backup"] = ["KvCloud.Backup", "kv"],
        ["Bench"] = ["KvCloud.Bench"],
        ["Certificates"] = ["KvCloud.Certificates", "kv"],
        ["Cli"] = ["kv"],
        ["Client"] = ["KvCloud.Client"],
        ["WebConsole"] = ["KvCloud.Console"],
        ["Consensus"] = ["KvCloud.Consensus"],
        ["LocalCluster"] = ["KvCloud.LocalCluster"],
        ["Monitoring"] = ["KvCloud.Monitoring"],
        ["Node"] = ["KvCloud.Node", "KvCloud.Protocol", "KvCloud.ServiceDefaults"],
    };

    /// <summary>The folders of this assembly whose types are tools that have tests of their own.</summary>
    private static readonly string[] Tools = ["Consensus", "Fuzzing", "Live", "Simulation", "Support"];

    /// <summary>What is tested and is no member, and why not.</summary>
    private static readonly Dictionary<string, string> Subjects = new()
    {
        ["AlertRule"] = "an alert of deploy/prometheus",
        ["AzureFile"] = "azure.yaml",
        ["Compose"] = "deploy/compose/docker-compose.yaml",
        ["ConfigurationSchema"] = "the JSON schema of the client's settings",
        ["Dashboard"] = "that of deploy/grafana",
        ["Decision"] = "a page of docs/adr",
        ["Dockerfile"] = "that of the node",
        ["Folder"] = "a folder of KvCloud.Node",
        ["GeneratedCode"] = "what thrift writes from the contract",
        ["Manifests"] = "those for Kubernetes",
        ["Package"] = "a package as it is published",
        ["Page"] = "a page of the documentation",
        ["Project"] = "a project file",
        ["PublishedNode"] = "the node as an image holds it",
        ["RawClient"] = "a program that has the contract and a Thrift library only",
        ["Recipe"] = "a recipe of CONTRIBUTING.md",
        ["Runbook"] = "a page of docs/runbooks",
        ["Sample"] = "a program of samples/",
        ["Script"] = "a script of eng/",
        ["Source"] = "a source file",
        ["Test"] = "a test of this assembly",
    };

    /// <summary>The names in the assemblies of each folder.</summary>
    private static readonly Dictionary<string, HashSet<string>> MembersOf = Production.ToDictionary(
        row => row.Key,
        row => row.Value.SelectMany(name => Assembly.Load(name).GetTypes()).SelectMany(NamesOf).ToHashSet());

    private static readonly HashSet<string> OfTools =
        [.. typeof(TestNameTests).Assembly.GetTypes().Where(IsTool).SelectMany(NamesOf)];

    private static readonly HashSet<string> OfContract = [.. ContractMethods()];

    private static readonly HashSet<string> Members =
        [.. OfContract, .. OfTools, .. MembersOf.Values.SelectMany(names => names)];

    /// <summary>A constant such as KEY_TOO_LARGE is several words of a name.</summary>
    private static readonly HashSet<string> PartsOfConstants =
        [.. Members.Where(name => Constant().IsMatch(name)).SelectMany(name => name.Split('_'))];

    [Fact]
    public void Test_of_any_class_begins_with_a_member_or_a_subject_of_the_list() =>
        Assert.Empty(
            Tests()
                .Where(test => !IsMember(test) && !Subjects.ContainsKey(Words(test)[0]))
                .Select(FullName));

    [Fact]
    public void Test_of_any_class_goes_on_with_condition_and_result_in_lower_case() =>
        Assert.Empty(
            Tests().Where(test => Words(test).Length < 3 || !Words(test).Skip(1).All(IsPlain)).Select(FullName));

    [Fact]
    public void Test_with_the_name_of_another_in_its_class_does_not_exist() =>
        Assert.Empty(Tests().GroupBy(FullName).Where(tests => tests.Count() > 1).Select(tests => tests.Key));

    [Fact]
    public void Test_of_some_class_begins_with_each_subject_of_the_list() =>
        Assert.Empty(Subjects.Keys.Except(Tests().Select(test => Words(test)[0])));

    private static IEnumerable<MethodInfo> Tests() =>
        typeof(TestNameTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(Any))
            .Where(method => method.IsDefined(typeof(FactAttribute)));

    private static string FullName(MethodInfo test) => $"{test.DeclaringType!.FullName}.{test.Name}";

    private static string[] Words(MethodInfo test) => test.Name.Split('_');

    private static bool IsMember(MethodInfo test)
    {
        string word = Words(test)[0];
        string folder = FolderOf(test.DeclaringType!);
        return OfContract.Contains(word)
            || MembersOf.GetValueOrDefault(folder, Members).Contains(word)
            || (Tools.Contains(folder) && OfTools.Contains(word));
    }

    private static string FolderOf(Type type) => $"{type.Namespace}..".Split('.')[2];

    private static bool IsPlain(string word) =>
        LowerCase().IsMatch(word)
        || (char.IsAsciiLetterUpper(word.FirstOrDefault())
            && (Members.Contains(word) || PartsOfConstants.Contains(word)));

    private static bool IsTool(Type type)
    {
        while (type.DeclaringType is { } around)
        {
            type = around;
        }

        return Tools.Contains(FolderOf(type))
            && !type.GetMethods(Any).Any(method => method.IsDefined(typeof(FactAttribute)));
    }

    /// <summary>The type and its members; of those that the compiler makes, no name is that of a test.</summary>
    private static IEnumerable<string> NamesOf(Type type) =>
        type.GetMembers(Any).Select(member => member.Name).Prepend(type.Name.Split('`')[0]);

    /// <summary>A test begins with a capital where a method of the contract does not.</summary>
    private static IEnumerable<string> ContractMethods() =>
        typeof(TransactionalKV.IAsync).GetMethods()
            .Select(method => $"{char.ToUpperInvariant(method.Name[0])}{method.Name[1..]}");

    [GeneratedRegex("^[a-z0-9]+$")]
    private static partial Regex LowerCase();

    [GeneratedRegex("^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$")]
    private static partial Regex Constant();
}
