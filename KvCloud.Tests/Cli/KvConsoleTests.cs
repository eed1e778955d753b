using System.Text;
using KvCloud.Cli;

namespace KvCloud.Tests.Cli;

public sealed class KvConsoleTests
{
    [Fact]
    public async Task WriteError_from_many_threads_keeps_every_line_whole()
    {
        using var slow = new SlowWriter();
        var console = KvConsole.ForStreams(Stream.Null, Stream.Null, slow);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Factory.StartNew(
            () =>
            {
                for (int line = 0; line < 10; line++)
                {
                    console.WriteError($"{writer} {line}");
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        Assert.Equal(
            Enumerable.Range(0, 40).Select(i => $"kv: {i / 10} {i % 10}"),
            slow.Text.Split(slow.NewLine, StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    /// <summary>As unprotected as a StringWriter, and slow enough that writers side by side are sure to meet.</summary>
    private sealed class SlowWriter : TextWriter
    {
        private string _text = "";

        public override Encoding Encoding => Encoding.UTF8;

        public string Text => _text;

        public override void Write(char value)
        {
            string before = _text;
            Thread.Yield();
            _text = before + value;
        }
    }
}
