using System.Globalization;

namespace KvCloud.Node.Tls;

/// <summary>Words for a certificate that ends soon.</summary>
internal static class CertificateExpiry
{
    /// <summary>What ends first, if it ends soon or has ended; null otherwise.</summary>
    public static string? Of(CertificateStore store, DateTimeOffset now)
    {
        CertificateSet set = store.Current;
        (string what, string file, DateTimeOffset end) = set.CaNotAfter is DateTimeOffset ca && ca < set.NotAfter
            ? ("CA", store.Options.Files.Ca!, ca)
            : ("certificate", store.Options.Files.Certificate, set.NotAfter);
        TimeSpan left = end - now;
        if (left > CertificateWatch.WarnsBefore)
        {
            return null;
        }

        string day = CertificateChecks.Day(end.UtcDateTime);
        return left <= TimeSpan.Zero
            ? $"The {what} in {file} has ended on {day}: nobody that checks it connects any more"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"The {what} in {file} ends on {day}, in {Math.Floor(left.TotalDays)} days: replace it");
    }
}
