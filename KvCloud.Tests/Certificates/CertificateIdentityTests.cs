using KvCloud.Certificates;

namespace KvCloud.Tests.Certificates;

public sealed class CertificateIdentityTests
{
    [Theory]
    [InlineData("kvcloud://kvcloud/nodes/0")]
    [InlineData("kvcloud://Prod_1.eu-west/nodes/31")]
    public void Parse_uri_of_a_node_is_the_node(string uri)
    {
        CertificateIdentity identity = CertificateIdentity.Parse(uri)!;

        Assert.Null(identity.User);
        Assert.Equal(CertificateIdentity.ForNode(identity.Cluster, identity.NodeId!.Value), identity);
        Assert.Equal(uri, identity.ToString());
    }

    [Theory]
    [InlineData("anna")]
    [InlineData("service:backup+1@Orders.example")]
    public void Parse_uri_of_a_user_is_the_user(string user) =>
        Assert.Equal(
            CertificateIdentity.ForUser("orders", user), CertificateIdentity.Parse($"kvcloud://orders/users/{user}"));

    [Theory]
    [InlineData("")]
    [InlineData("https://orders/nodes/1")]
    [InlineData("KVCLOUD://orders/nodes/1")]
    [InlineData("kvcloud://orders")]
    [InlineData("kvcloud:///nodes/1")]
    [InlineData("kvcloud://orders/nodes/")]
    [InlineData("kvcloud://orders/nodes/01")]
    [InlineData("kvcloud://orders/nodes/+1")]
    [InlineData("kvcloud://orders/nodes/-1")]
    [InlineData("kvcloud://orders/nodes/99999999999")]
    [InlineData("kvcloud://orders/nodes/1/")]
    [InlineData("kvcloud://orders/nodes/1?x")]
    [InlineData("kvcloud://orders/users/")]
    [InlineData("kvcloud://orders/users/a%2fb")]
    [InlineData("kvcloud://ord ers/users/a")]
    [InlineData("kvcloud://orders:1/nodes/1")]
    public void Parse_anything_else_is_nobody(string uri) => Assert.Null(CertificateIdentity.Parse(uri));

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("ü")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public void ForUser_what_no_uri_can_hold_is_refused(string name)
    {
        Assert.Throws<CertificateRequestException>(() => CertificateIdentity.ForUser("orders", name));
        Assert.Throws<CertificateRequestException>(() => CertificateIdentity.ForNode(name, 1));
    }

    [Fact]
    public void ForNode_negative_number_is_refused() =>
        Assert.Throws<CertificateRequestException>(() => CertificateIdentity.ForNode("orders", -1));
}
