using System.Security.Cryptography.X509Certificates;
using KvCloud.Node.Tls;

namespace KvCloud.Node.Access;

/// <summary>The user that a client's certificate names: <c>kvcloud://CLUSTER/users/NAME</c> among its names.</summary>
internal static class CertificateLogin
{
    /// <summary>
    /// The anonymous principal where there is no certificate, or none that names a user of this cluster.
    /// </summary>
    /// <param name="certificate">One that the handshake has found good.</param>
    public static Principal Of(X509Certificate2? certificate, string clusterId)
    {
        if (certificate is null)
        {
            return Principal.Anonymous;
        }

        string users = $"{NodeName.Scheme}{clusterId}/users/";
        string[] names =
        [
            .. CertificateNames.Of(certificate)
                .Where(uri => uri.StartsWith(users, StringComparison.Ordinal))
                .Select(uri => uri[users.Length..]),
        ];

        // Two users in one certificate: nobody can say which of them it is.
        return names is [var name] && name.Length > 0 ? Principal.ByCertificate(name) : Principal.Anonymous;
    }
}
