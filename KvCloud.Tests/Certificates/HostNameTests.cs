using System.Net;
using KvCloud.Certificates;

namespace KvCloud.Tests.Certificates;

public sealed class HostNameTests
{
    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("::1")]
    [InlineData("fe80::1")]
    public void AddressOf_address_is_the_address(string host) =>
        Assert.Equal(IPAddress.Parse(host), HostName.AddressOf(host));

    [Theory]
    [InlineData("localhost")]
    [InlineData("kvcloud-0.kvcloud-peers.default.svc.cluster.local")]
    [InlineData("*.kvcloud-peers")]
    [InlineData("node_1")]
    public void AddressOf_dns_name_is_no_address(string host) => Assert.Null(HostName.AddressOf(host));

    [Theory]
    [InlineData("")]
    [InlineData("localhost:9090")]
    [InlineData("a..b")]
    [InlineData("-a")]
    [InlineData("a b")]
    [InlineData("1")]
    [InlineData("300.0.0.1")]
    [InlineData("a.*")]
    [InlineData("http://a")]
    [InlineData("grün")]
    public void AddressOf_neither_is_refused(string host) =>
        Assert.Contains(
            $"\"{host}\"", Assert.Throws<CertificateRequestException>(() => HostName.AddressOf(host)).Message);
}
