using System.Runtime.InteropServices;

namespace KvCloud.Cli.Demo;

/// <summary>
/// Handles Ctrl-C, SIGTERM and the end of the terminal: the first signal stops the cluster gracefully, the second kills
/// it.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private static readonly PosixSignal[] Signals =
        [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private readonly CancellationTokenSource _requested;
    private readonly Action _again;
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <param name="again">Called at the second and each further signal.</param>
    /// <param name="cancellationToken">Counts as a first signal.</param>
    public StopSignals(Action again, CancellationToken cancellationToken)
    {
        _requested = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _again = again;
        foreach (PosixSignal signal in Signals)
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, Heard));
        }
    }

    public CancellationToken Requested => _requested.Token;

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _requested.Dispose();
    }

    private void Heard(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_requested.IsCancellationRequested)
        {
            _again();
        }
        else
        {
            _requested.Cancel();
        }
    }
}
