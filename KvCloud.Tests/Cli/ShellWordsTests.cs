using KvCloud.Cli;
using KvCloud.Cli.Shell;

namespace KvCloud.Tests.Cli;

public sealed class ShellWordsTests
{
    [Theory]
    [InlineData("  get   key ", "get|key")]
    [InlineData("set a 'two  words'", "set|a|two  words")]
    [InlineData("set a \"say \\\"hi\\\" \\n\"", "set|a|say \"hi\" \\n")]
    [InlineData("set a it\\'s", "set|a|it's")]
    [InlineData("set a ''", "set|a|")]
    [InlineData("set a 'a'\"b\"c", "set|a|abc")]
    [InlineData("", "")]
    public void Of_a_line_are_those_of_a_shell(string line, string expected) =>
        Assert.Equal(expected, string.Join('|', ShellWords.Of(line)));

    [Theory]
    [InlineData("set a 'open")]
    [InlineData("set a \"open")]
    public void Of_a_quotation_without_end_is_refused(string line) =>
        Assert.Throws<UsageException>(() => ShellWords.Of(line));
}
