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

    [Theory]
    [InlineData(new byte[] { 0x61, 0x2f, 0x62 }, "a/b")]
    [InlineData(new byte[] { 0x00, 0xff, 0x61 }, @"\x00\xffa")]
    [InlineData(new byte[] { 0x5c }, @"\x5c")]
    [InlineData(new byte[] { 0xc3, 0xbc, 0x0a }, @"ü\x0a")]
    [InlineData(new byte[] { 0xf0, 0x9f, 0x90, 0x8e }, "🐎")]
    [InlineData(new byte[0], "")]
    public void Key_any_bytes_are_one_line_that_TryKey_reads_back(byte[] key, string text)
    {
        Assert.Equal(text, ValueText.Key(key));
        Assert.True(ValueText.TryKey(text, out byte[] read));
        Assert.Equal(key, read);
    }

    [Theory]
    [InlineData(@"\")]
    [InlineData(@"\x1")]
    [InlineData(@"\xzz")]
    [InlineData(@"\n00")]
    public void TryKey_backslash_that_is_no_byte_is_refused(string text) =>
        Assert.False(ValueText.TryKey(text, out _));
}
