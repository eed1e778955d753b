using System.Text;
using KvCloud.WebConsole.Data;

namespace KvCloud.Tests.WebConsole;

public sealed class ValueTextTests
{
    [Theory]
    [InlineData("plain", ValueFormat.Text)]
    [InlineData("{\"a\": 1}", ValueFormat.Json)]
    [InlineData("{no json", ValueFormat.Text)]
    [InlineData("12", ValueFormat.Text)]
    [InlineData("a\0b", ValueFormat.Hex)]
    public void Guess_bytes_of_each_kind_finds_it(string text, ValueFormat expected) =>
        Assert.Equal(expected, ValueText.Guess(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Guess_bytes_that_are_no_utf8_is_hexadecimal() => Assert.Equal(ValueFormat.Hex, ValueText.Guess([0xff]));

    [Theory]
    [InlineData("plain text, with ü and 🐎", ValueFormat.Text)]
    [InlineData("", ValueFormat.Text)]
    [InlineData("00 ff 10", ValueFormat.Hex)]
    public void TryParse_what_was_shown_gives_the_same_bytes(string text, ValueFormat format)
    {
        Assert.True(ValueText.TryParse(text, format, out byte[] bytes, out _));
        Assert.Equal(text, ValueText.Show(bytes, format));
    }

    [Theory]
    [InlineData("0g", ValueFormat.Hex, "hexadecimal")]
    [InlineData("abc", ValueFormat.Hex, "hexadecimal")]
    [InlineData("{", ValueFormat.Json, "JSON")]
    public void TryParse_what_is_not_of_the_format_says_so(string text, ValueFormat format, string named)
    {
        Assert.False(ValueText.TryParse(text, format, out _, out string? refusal));
        Assert.Contains(named, refusal);
    }

    [Fact]
    public void TryParseKey_any_key_as_it_is_shown_is_read_back()
    {
        byte[] key = [0x00, 0xff, (byte)'a', (byte)'\\', (byte)'\n'];
        Assert.True(ValueText.TryParseKey(new KeyRow(key, IsPrefix: false, [], 1).Name, out byte[] read, out _));
        Assert.Equal(key, read);
    }

    [Theory]
    [InlineData(@"\")]
    [InlineData(@"\x1")]
    [InlineData(@"\xzz")]
    [InlineData(@"\q")]
    public void TryParseKey_backslash_that_begins_no_escape_is_refused_with_the_reason(string text)
    {
        Assert.False(ValueText.TryParseKey(text, out _, out string? refusal));
        Assert.Contains("escape", refusal);
    }
}
