using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using KvCloud.Consensus;
using Thrift;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Reads requests and writes answers with the generated code and Apache's own protocol class, over memory. One a
/// thread, since every use of it is synchronous.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its thread and holds only memory.")]
internal sealed class ThriftCodec
{
    private const int Version1 = unchecked((int)0x80010000);

    /// <summary>A large answer must not leave its buffer behind on every thread of the pool.</summary>
    private const int KeptBufferBytes = 256 * 1024;

    [ThreadStatic]
    private static ThriftCodec? _current;

    private readonly ReadMemoryTransport _input = new();
    private readonly TBinaryProtocol _reader;
    private ArrayBufferWriter<byte> _buffer = new();
    private TBinaryProtocol _writer;

    private ThriftCodec()
    {
        _reader = new TBinaryProtocol(_input);
        _writer = new TBinaryProtocol(new WriteBufferTransport(_buffer));
    }

    /// <summary>The codec of this thread.</summary>
    public static ThriftCodec Current => _current ??= new ThriftCodec();

    /// <summary>Reads argument 1, the request, from a call.</summary>
    public TRequest ReadRequest<TRequest>(in RequestMessage message)
        where TRequest : class, TBase, new()
    {
        _input.Reset(message.Bytes[message.ArgumentsStart..]);
        try
        {
            return ReadArguments<TRequest>()
                ?? throw new ThriftContentException("argument 1 'request' is missing");
        }
        catch (Exception exception) when (exception is TException or ArgumentException)
        {
            throw new ThriftContentException($"not a {typeof(TRequest).Name}: a required field is missing or a "
                + "field has another type", exception);
        }
        finally
        {
            _input.Reset(default);
        }
    }

    /// <summary>Writes the answer to a call.</summary>
    public void WriteReply(AnswerWriter output, ReadOnlySpan<byte> methodName, int sequenceId, TBase response)
    {
        WriteHeader(TMessageType.Reply, methodName, sequenceId);
        Completed(_writer.WriteFieldBeginAsync(new TField("success", TType.Struct, 0), CancellationToken.None));
        Completed(response.WriteAsync(_writer, CancellationToken.None));
        Completed(_writer.WriteFieldStopAsync(CancellationToken.None));
        Send(output);
    }

    /// <summary>Writes what Thrift itself has for calls that no method could answer.</summary>
    public void WriteException(
        AnswerWriter output,
        ReadOnlySpan<byte> methodName,
        int sequenceId,
        TApplicationException.ExceptionType type,
        string message)
    {
        WriteHeader(TMessageType.Exception, methodName, sequenceId);
        Completed(new TApplicationException(type, message).WriteAsync(_writer, CancellationToken.None));
        Send(output);
    }

    private TRequest? ReadArguments<TRequest>()
        where TRequest : class, TBase, new()
    {
        TRequest? request = null;
        while (true)
        {
            TField field = Completed(_reader.ReadFieldBeginAsync(CancellationToken.None));
            if (field.Type == TType.Stop)
            {
                return request;
            }

            if (field is { ID: 1, Type: TType.Struct })
            {
                request = new TRequest();
                Completed(request.ReadAsync(_reader, CancellationToken.None));
            }
            else
            {
                Completed(TProtocolUtilSkip(field.Type));
            }
        }
    }

    private Task TProtocolUtilSkip(TType type) =>
        Thrift.Protocol.Utilities.TProtocolUtil.SkipAsync(_reader, type, CancellationToken.None);

    private void WriteHeader(TMessageType type, ReadOnlySpan<byte> methodName, int sequenceId)
    {
        if (_buffer.Capacity > KeptBufferBytes)
        {
            _buffer = new ArrayBufferWriter<byte>();
            _writer = new TBinaryProtocol(new WriteBufferTransport(_buffer));
        }

        _buffer.ResetWrittenCount();
        Span<byte> header = _buffer.GetSpan(12 + methodName.Length);
        BinaryPrimitives.WriteInt32BigEndian(header, Version1 | (int)type);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], methodName.Length);
        methodName.CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32BigEndian(header[(8 + methodName.Length)..], sequenceId);
        _buffer.Advance(12 + methodName.Length);
    }

    private void Send(AnswerWriter output) => output.WriteMessage(_buffer.WrittenSpan);

    /// <summary>Over memory every step completes at once; nothing here ever waits.</summary>
    private static void Completed(Task task)
    {
        Invariant.Check(task.IsCompleted, "Thrift over memory completes synchronously");
        task.GetAwaiter().GetResult();
    }

    private static T Completed<T>(ValueTask<T> task)
    {
        Invariant.Check(task.IsCompleted, "Thrift over memory completes synchronously");
        return task.GetAwaiter().GetResult();
    }
}
