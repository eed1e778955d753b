using KvCloud.WebConsole.Sessions;

namespace KvCloud.Tests.WebConsole;

public sealed class SessionEndpointsTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/data?prefix=a", "/data?prefix=a")]
    [InlineData(null, "/x")]
    [InlineData("", "/x")]
    [InlineData("data", "/x")]
    [InlineData("//evil.example", "/x")]
    [InlineData("/\\evil.example", "/x")]
    [InlineData("https://evil.example/", "/x")]
    [InlineData("/a\r\nb", "/x")]
    public void LocalOr_address_of_somebody_else_is_not_followed(string? url, string expected) =>
        Assert.Equal(expected, SessionEndpoints.LocalOr(url, "/x"));
}
