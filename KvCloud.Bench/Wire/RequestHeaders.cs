using System.Text;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// HPACK (RFC 7541) header blocks of gRPC requests. The first use of a header adds it to the server's table; later uses
/// take one byte each, as in gRPC's own clients. Not thread-safe.
/// </summary>
internal sealed class RequestHeaders
{
    private const int StaticEntries = 61;
    private const int EntryOverheadBytes = 32;

    // Entries of RFC 7541's static table: complete fields, and names.
    private const byte MethodPost = 0x80 | 3;
    private const byte SchemeHttp = 0x80 | 6;
    private const int PathName = 4;
    private const int AuthorityName = 1;
    private const int ContentTypeName = 31;

    private readonly byte[] _authority;
    private readonly List<byte[]> _table = [];
    private readonly WireBuffer _block = new(256);
    private int _tableBytes = 4096;
    private int _usedBytes;
    private bool _tableShrunk;

    public RequestHeaders(string authority) => _authority = Encoding.ASCII.GetBytes(authority);

    /// <summary>Applies the server's table limit; only one below HPACK's default of 4096 matters here.</summary>
    public void LimitTable(int bytes)
    {
        if (bytes < _tableBytes)
        {
            _tableBytes = bytes;
            _tableShrunk = true;
            _table.Clear();
            _usedBytes = 0;
        }
    }

    /// <summary>
    /// The block of a call of <paramref name="path"/>; valid until the next call. The array instance identifies the
    /// path.
    /// </summary>
    public ReadOnlySpan<byte> Encode(byte[] path)
    {
        _block.Clear();
        if (_tableShrunk)
        {
            // A smaller table must be announced. Size 0 empties it, and everything is sent literally from then on.
            _block.WriteByte(0x20);
            _tableShrunk = false;
            _tableBytes = 0;
        }

        _block.WriteByte(MethodPost);
        _block.WriteByte(SchemeHttp);
        Write(PathName, [], path);
        Write(AuthorityName, [], _authority);
        Write(ContentTypeName, [], ContentType);
        Write(0, TeName, Trailers);
        return _block.Unread;
    }

    private static readonly byte[] ContentType = "application/grpc"u8.ToArray();
    private static readonly byte[] TeName = "te"u8.ToArray();
    private static readonly byte[] Trailers = "trailers"u8.ToArray();

    private void Write(int staticName, ReadOnlySpan<byte> name, byte[] value)
    {
        // The newest entry has the lowest index. Values are compared by reference: each array here belongs to one name.
        int position = _table.IndexOf(value);
        if (position >= 0)
        {
            _block.WriteByte((byte)(0x80 | (StaticEntries + _table.Count - position)));
            return;
        }

        const int LongestStaticName = 19;
        int entryBytes = LongestStaticName + name.Length + value.Length + EntryOverheadBytes;
        bool add = _usedBytes + entryBytes <= _tableBytes;
        if (add)
        {
            _block.WriteByte((byte)(0x40 | staticName));
            _table.Add(value);
            _usedBytes += entryBytes;
        }
        else
        {
            WriteLiteralName(staticName);
        }

        if (staticName == 0)
        {
            WriteString(name);
        }

        WriteString(value);
    }

    private void WriteLiteralName(int staticName)
    {
        // Without indexing: a four-bit prefix; 15 and above continue in the next byte.
        if (staticName < 15)
        {
            _block.WriteByte((byte)staticName);
        }
        else
        {
            _block.WriteByte(0x0F);
            _block.WriteByte((byte)(staticName - 15));
        }
    }

    private void WriteString(ReadOnlySpan<byte> text)
    {
        // Seven-bit length, no Huffman coding.
        if (text.Length >= 127)
        {
            throw new BenchException($"a header of {text.Length} bytes: the endpoint name is too long");
        }

        _block.WriteByte((byte)text.Length);
        _block.Write(text);
    }
}
