using System.Diagnostics.Metrics;
using KvCloud.Node.Access;
using KvCloud.Tests.Node.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace KvCloud.Tests.Node.Access;

public sealed class AccessMetricsTests
{
    [Fact]
    public void AccessMetrics_of_a_new_node_has_every_series_with_zero_and_then_counts_by_method_and_result()
    {
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        using MeterProbe probe = new(meters);
        var metrics = new AccessMetrics(meters);

        Assert.Equal(
            [
                "kvcloud.access.logins{method=password,result=ok} 0",
                "kvcloud.access.logins{method=token,result=ok} 0",
                "kvcloud.access.logins{method=jwt,result=ok} 0",
                "kvcloud.access.logins{method=password,result=failed} 0",
                "kvcloud.access.logins{method=token,result=failed} 0",
                "kvcloud.access.logins{method=jwt,result=failed} 0",
            ],
            probe.Values("kvcloud.access.logins"));

        metrics.LoggedIn(LoginMethod.Password);
        metrics.LoginFailed(LoginMethod.Token);
        metrics.Refused();

        Assert.Equal(
            [
                "kvcloud.access.logins{method=password,result=ok} 1",
                "kvcloud.access.logins{method=token,result=failed} 1",
            ],
            probe.Values("kvcloud.access.logins").TakeLast(6).Where(value => value.EndsWith('1')));
        Assert.Equal("kvcloud.access.refusals 1", probe.Values("kvcloud.access.refusals")[^1]);
    }
}
