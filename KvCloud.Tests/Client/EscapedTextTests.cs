using System.Text;
using KvCloud.Client;

namespace KvCloud.Tests.Client;

public sealed class EscapedTextTests
{
    [Theory]
    [InlineData(new byte[] { 0x61, 0x2f, 0x62 }, "a/b")]
    [InlineData(new byte[] { 0x00, 0xff, 0x61 }, @"\x00\xffa")]
    [InlineData(new byte[] { 0x5c }, @"\\")]
    [InlineData(new byte[] { 0xc3, 0xbc, 0x0a }, @"ü\n")]
    [InlineData(new byte[] { 0xf0, 0x9f, 0x90, 0x8e }, "🐎")]
    [InlineData(new byte[0], "")]
    public void Escape_any_bytes_are_one_line_that_Unescape_reads_back(byte[] bytes, string text)
    {
        Assert.Equal(text, EscapedText.Escape(bytes));
        Assert.Equal(bytes, EscapedText.Unescape(Encoding.UTF8.GetBytes(text)));
    }

    [Theory]
    [InlineData(@"\")]
    [InlineData(@"\x1")]
    [InlineData(@"\xzz")]
    [InlineData(@"\q")]
    public void Unescape_backslash_that_begins_no_escape_is_refused(string text) =>
        Assert.Throws<FormatException>(() => EscapedText.Unescape(Encoding.UTF8.GetBytes(text)));
}
