using KvCloud.Tests.Support;

namespace KvCloud.Tests.Simulation;

/// <summary>The catalogue fits the code. Whether the simulator finds what it lists, eng/mutate shows.</summary>
public class CodeMutationTests
{
    public static TheoryData<string> Names => [.. CodeMutation.Load().Select(mutation => mutation.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Apply_every_mutation_changes_code_that_is_there(string name)
    {
        CodeMutation mutation = Assert.Single(CodeMutation.Load(), mutation => mutation.Name == name);
        string source = File.ReadAllText(Repository.File(mutation.File));

        Assert.NotEqual(source, mutation.Apply(source));
        Assert.True(
            mutation.Finds is null != mutation.Unfound is null, "it says who finds it, or why nobody does");
    }
}
