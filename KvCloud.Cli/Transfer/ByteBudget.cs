namespace KvCloud.Cli.Transfer;

/// <summary>Limits the bytes held at once. First come, first served, so that large entries do not starve.</summary>
internal sealed class ByteBudget(int totalBytes) : IDisposable
{
    private const int UnitBytes = 16 * 1024;

    private readonly int _totalUnits = Math.Max(1, totalBytes / UnitBytes);
    private readonly SemaphoreSlim _units = new(Math.Max(1, totalBytes / UnitBytes));
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Waits until this many bytes may be held; returns the number to give back.</summary>
    public async ValueTask<int> TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        int wanted = (int)Math.Clamp((bytes + UnitBytes - 1) / UnitBytes, 1, _totalUnits);
        int taken = 0;
        await _turn.WaitAsync(cancellationToken);
        try
        {
            for (; taken < wanted; taken++)
            {
                await _units.WaitAsync(cancellationToken);
            }

            return taken;
        }
        catch (OperationCanceledException)
        {
            GiveBack(taken);
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void GiveBack(int units)
    {
        if (units > 0)
        {
            _units.Release(units);
        }
    }

    public void Dispose()
    {
        _units.Dispose();
        _turn.Dispose();
    }
}
