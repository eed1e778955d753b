namespace KvCloud.Tests.Simulation;

/// <summary>The code of a node that has a simulated socket.</summary>
internal interface ISimSocketOwner
{
    /// <summary>
    /// A stopped process hears nothing; what came is asked for by <see cref="SimSocket.Poll"/> when it goes on.
    /// </summary>
    bool IsPaused { get; }

    void OnReadable();

    /// <summary>The socket takes bytes again after it had refused some.</summary>
    void OnWritable();

    /// <summary>The other end closed, or the connection broke. The socket is closed.</summary>
    void OnClosed(string reason);
}

/// <summary>One end of a simulated connection, with what the kernel knows of it.</summary>
internal sealed class SimSocket(SimConnection connection, int host)
{
    private ISimSocketOwner? _owner;
    private string? _failure;
    private bool _isFinished;
    private bool _isWritable;

    public int Host { get; } = host;

    public SimConnection Connection { get; } = connection;

    public SimSocket Other { get; set; } = null!;

    public SimByteStream Out { get; set; } = null!;

    public SimByteStream In { get; set; } = null!;

    /// <summary>The process still has it.</summary>
    public bool IsOpen { get; private set; } = true;

    /// <summary>The kernel knows that the connection is gone.</summary>
    public bool HasFailed => _failure is not null;

    /// <summary>The kernel has the connection. A process that is stopped may still hold one that has failed.</summary>
    public bool IsConnected => IsOpen && !HasFailed;

    public void Own(ISimSocketOwner owner)
    {
        _owner = owner;
        Poll();
    }

    /// <summary>Takes as many bytes as it can; none when its buffer is full.</summary>
    public int Write(ReadOnlySpan<byte> bytes) => IsConnected ? Out.Write(bytes) : 0;

    public int Read(Span<byte> target) => In.Read(target);

    /// <summary>The process closes it: what it sent still arrives, then its end.</summary>
    public void Close()
    {
        if (!IsOpen)
        {
            return;
        }

        if (HasFailed)
        {
            Vanish();
        }
        else if (In.Readable > 0)
        {
            // As TCP does where data was received and not read.
            Reset();
        }
        else
        {
            Release();
            Out.Finish();
        }
    }

    /// <summary>The kernel ends it for both: what is on the way may be lost.</summary>
    public void Reset()
    {
        if (IsOpen)
        {
            Release();
            Out.CutOff(isSenderGone: false);
            Connection.Network.ResetLater(Other);
        }
    }

    /// <summary>Nobody is told: the machine is without power, or the kernel knows no connection any more.</summary>
    public void Vanish()
    {
        if (IsOpen)
        {
            Release();
            Out.CutOff(isSenderGone: true);
        }
    }

    /// <summary>The kernel learns that the connection is gone, and tells the process.</summary>
    public void Fail(string reason)
    {
        if (IsOpen && _failure is null)
        {
            _failure = reason;
            In.Discard();
            Poll();
        }
    }

    /// <summary>The other end has closed, and all its bytes are here.</summary>
    public void Finished()
    {
        _isFinished = true;
        Poll();
    }

    public void Writable()
    {
        _isWritable = true;
        Poll();
    }

    /// <summary>Tells the process what it has not heard yet.</summary>
    public void Poll()
    {
        if (!IsOpen || _owner is not ISimSocketOwner owner || owner.IsPaused)
        {
            return;
        }

        if (In.Readable > 0)
        {
            owner.OnReadable();
        }

        if (_isWritable && IsConnected)
        {
            _isWritable = false;
            owner.OnWritable();
        }

        if (IsOpen && (HasFailed || (_isFinished && In.Readable == 0)))
        {
            string reason = _failure ?? "the peer closed it";
            Close();
            owner.OnClosed(reason);
        }
    }

    private void Release()
    {
        IsOpen = false;
        _owner = null;
        Connection.EndReleased();
    }
}
