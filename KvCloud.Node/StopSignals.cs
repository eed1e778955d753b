using System.Runtime.InteropServices;

namespace KvCloud.Node;

/// <summary>
/// Notes that somebody wants the process to end, which the host obeys: who restarts within the process must know.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private volatile bool _hasCome;

    public StopSignals()
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, _ => _hasCome = true));
        }
    }

    public bool HasCome => _hasCome;

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());
}
