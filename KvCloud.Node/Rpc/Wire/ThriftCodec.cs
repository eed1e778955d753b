using System.Diagnostics.CodeAnalysis;
using KvCloud.Consensus;
using KvCloud.Protocol.Wire;
using Thrift;
using Thrift.Protocol;
using Thrift.Protocol.Entities;

namespace KvCloud.Node.Rpc.Wire;

/// <summary>
/// Reads requests and writes answers in memory with the generated code and Apache's protocol class. One instance per
/// thread suffices, because every use is synchronous.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Lives as long as its thread and holds only memory.")]
internal sealed class ThriftCodec
{
    [ThreadStatic]
    private static ThriftCodec? _current;

    private readonly ReadMemoryTransport _input = new();
    private readonly WriteAnswerTransport _output = new();
    private readonly TBinaryProtocol _reader;
    private readonly TBinaryProtocol _writer;

    private ThriftCodec()
    {
        _reader = new TBinaryProtocol(_input);
        _writer = new TBinaryProtocol(_output);
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
        output.BeginReply(methodName, sequenceId);
        WriteStruct(output, response);
        output.EndStruct();
        output.EndMessage();
    }

    /// <summary>Writes a TApplicationException, Thrift's answer to a call that no method can answer.</summary>
    public void WriteException(
        AnswerWriter output,
        ReadOnlySpan<byte> methodName,
        int sequenceId,
        TApplicationException.ExceptionType type,
        string message)
    {
        output.BeginMessage(ThriftMessageKind.Exception, methodName, sequenceId);
        output.Text(1, message);
        output.I32(2, (int)type);
        output.EndStruct();
        output.EndMessage();
    }

    /// <summary>Writes with the generated code directly into the connection's unsent answers.</summary>
    private void WriteStruct(AnswerWriter output, TBase value)
    {
        _output.Answers = output;
        bool isWritten = false;
        try
        {
            Completed(value.WriteAsync(_writer, CancellationToken.None));
            isWritten = true;
        }
        finally
        {
            _output.Answers = null;
            if (!isWritten)
            {
                output.AbandonMessage();
            }
        }
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

    /// <summary>
    /// Asserts that the task has completed: in-memory steps complete synchronously, so nothing here waits.
    /// </summary>
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
