namespace KvCloud.Client.Calls;

/// <summary>Identifies one write of one session, however often it is sent. Default: no identity.</summary>
internal readonly record struct WriteIdentity(WriteSession? Session, long Sequence)
{
    public bool IsNone => Session is null;
}
