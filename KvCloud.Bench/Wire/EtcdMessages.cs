using System.Numerics;
using System.Text;
using KvCloud.Protocol.Wire;

namespace KvCloud.Bench.Wire;

/// <summary>
/// etcd's requests in Protocol Buffers, prefixed with gRPC's five bytes; field numbers are those of etcd's rpc.proto.
/// </summary>
internal static class EtcdMessages
{
    private const byte KeyTag = 0x0A;
    private const byte ValueTag = 0x12;
    private const byte RangeEndTag = 0x12;
    private const byte LimitTag = 0x18;
    private const byte SerializableTag = 0x38;
    private const byte TxnSuccessTag = 0x12;
    private const byte RequestPutTag = 0x12;
    private const byte ResponseRowsTag = 0x12;

    private static readonly byte[] PutPath = Encoding.ASCII.GetBytes("/etcdserverpb.KV/Put");
    private static readonly byte[] RangePath = Encoding.ASCII.GetBytes("/etcdserverpb.KV/Range");
    private static readonly byte[] TxnPath = Encoding.ASCII.GetBytes("/etcdserverpb.KV/Txn");

    public static byte[] MethodOf(CallKind kind) => kind switch
    {
        CallKind.Set => PutPath,
        CallKind.Commit => TxnPath,
        _ => RangePath,
    };

    public static bool IsRead(CallKind kind) =>
        kind is CallKind.GetLocal or CallKind.GetLeader or CallKind.GetReadIndex;

    public static void Write(in WireCall call, WireBuffer output)
    {
        switch (call.Kind)
        {
            case CallKind.Set:
                Begin(output, PutSize(call.Keys, call.Value));
                WritePut(output, call.Keys, call.Value);
                break;
            case CallKind.Commit:
                WriteTransaction(call, output);
                break;
            case CallKind.Range:
                Begin(
                    output,
                    BytesSize(call.Keys.Length) + BytesSize(call.EndKey.Length) + 1 + VarintSize(call.Limit) + 2);
                WriteBytes(output, KeyTag, call.Keys);
                WriteBytes(output, RangeEndTag, call.EndKey);
                output.WriteByte(LimitTag);
                WriteVarint(output, (ulong)call.Limit);
                WriteTrue(output, SerializableTag);
                break;
            default:
                bool local = call.Kind == CallKind.GetLocal;
                Begin(output, BytesSize(call.Keys.Length) + (local ? 2 : 0));
                WriteBytes(output, KeyTag, call.Keys);
                if (local)
                {
                    WriteTrue(output, SerializableTag);
                }

                break;
        }
    }

    /// <summary>Whether a RangeResponse, or its first part, contains a row.</summary>
    public static bool HasRows(ReadOnlySpan<byte> message)
    {
        // Field 1 is the response header, followed by the rows; anything else comes after them.
        if (message.Length >= 2 && message[0] == KeyTag)
        {
            byte headerBytes = message[1];
            message = message.Length >= 2 + headerBytes ? message[(2 + headerBytes)..] : [];
        }

        return message.Length > 0 && message[0] == ResponseRowsTag;
    }

    private static void WriteTransaction(in WireCall call, WireBuffer output)
    {
        int put = PutSize(call.Keys[..call.KeySizeBytes], call.Value);
        int request = BytesSize(put);
        Begin(output, call.Keys.Length / call.KeySizeBytes * BytesSize(request));
        for (ReadOnlySpan<byte> keys = call.Keys; keys.Length > 0; keys = keys[call.KeySizeBytes..])
        {
            output.WriteByte(TxnSuccessTag);
            WriteVarint(output, (ulong)request);
            output.WriteByte(RequestPutTag);
            WriteVarint(output, (ulong)put);
            WritePut(output, keys[..call.KeySizeBytes], call.Value);
        }
    }

    private static int PutSize(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        BytesSize(key.Length) + BytesSize(value.Length);

    private static void WritePut(WireBuffer output, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        WriteBytes(output, KeyTag, key);
        WriteBytes(output, ValueTag, value);
    }

    private static void Begin(WireBuffer output, int size)
    {
        output.WriteByte(0);
        output.WriteInt32(size);
    }

    /// <summary>A base 128 varint of Protocol Buffers, least significant group first.</summary>
    private static void WriteVarint(WireBuffer output, ulong value)
    {
        while (value >= 0x80)
        {
            output.WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        output.WriteByte((byte)value);
    }

    private static void WriteBytes(WireBuffer output, byte tag, ReadOnlySpan<byte> bytes)
    {
        output.WriteByte(tag);
        WriteVarint(output, (ulong)bytes.Length);
        output.Write(bytes);
    }

    private static void WriteTrue(WireBuffer output, byte tag)
    {
        output.WriteByte(tag);
        output.WriteByte(1);
    }

    /// <summary>Size of a length-delimited field of <paramref name="length"/> bytes: tag, length, content.</summary>
    private static int BytesSize(int length) => 1 + VarintSize(length) + length;

    private static int VarintSize(int value) => (BitOperations.Log2((uint)value | 1) / 7) + 1;
}
