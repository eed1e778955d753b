namespace KvCloud.Certificates;

/// <summary>How long certificates are good.</summary>
internal static class CertificateLifetimes
{
    public const int AuthorityDays = 3650;
    public const int LeafDays = 365;
    public const int MaxDays = 36500;

    /// <summary>A new certificate is good from a little earlier on: clocks of other machines may be behind.</summary>
    public static readonly TimeSpan Backdating = TimeSpan.FromHours(1);
}
