using System.Net;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Tickets.Tests;

/// <summary>Runs the whole application, including its replicas, as its AppHost starts it.</summary>
public sealed class TicketsTests(TicketsTests.Application application) : IClassFixture<TicketsTests.Application>
{
    [Fact]
    public async Task Page_of_the_sample_is_served() =>
        Assert.Contains("<title>Tickets</title>", await application.Http.GetStringAsync("/"));

    [Fact]
    public async Task Console_of_the_cluster_that_came_with_the_package_is_served() =>
        Assert.Contains("blazor.web", await application.ConsolePageAsync());

    [Fact]
    public async Task Reservation_of_one_seat_by_ten_at_once_is_made_once()
    {
        HttpStatusCode[] answers = await Task.WhenAll(
            Enumerable.Range(0, 10).Select(person => application.ReserveAsync("B4", $"person {person}")));

        Assert.Single(answers, HttpStatusCode.OK);
        Assert.Equal(9, answers.Count(answer => answer == HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Reservation_of_a_seat_is_still_there_after_the_leader_was_killed()
    {
        Assert.Equal(HttpStatusCode.OK, await application.ReserveAsync("A1", "Ada"));

        await application.KillLeaderAsync();

        Assert.Equal(HttpStatusCode.OK, await application.ReserveAsync("A2", "Grace"));
        Assert.Equal(HttpStatusCode.Conflict, await application.ReserveAsync("A1", "Eve"));
    }

    /// <summary>Started once for all tests.</summary>
    public sealed class Application : IAsyncLifetime
    {
        private readonly CancellationTokenSource _limit = new(TimeSpan.FromMinutes(3));
        private DistributedApplication? _application;

        public HttpClient Http { get; private set; } = new();

        public async Task InitializeAsync()
        {
            IDistributedApplicationTestingBuilder builder =
                await DistributedApplicationTestingBuilder.CreateAsync<Projects.Tickets_AppHost>(_limit.Token);
            _application = await builder.BuildAsync(_limit.Token);
            await _application.StartAsync(_limit.Token);
            await _application.ResourceNotifications.WaitForResourceHealthyAsync("tickets", _limit.Token);
            Http = _application.CreateHttpClient("tickets", "http");
        }

        public async Task DisposeAsync()
        {
            Http.Dispose();
            if (_application is not null)
            {
                await _application.DisposeAsync();
            }

            _limit.Dispose();
        }

        public async Task<HttpStatusCode> ReserveAsync(string seat, string name)
        {
            using HttpResponseMessage answer =
                await Http.PostAsJsonAsync($"/api/seats/{seat}", new { name }, _limit.Token);
            return answer.StatusCode;
        }

        public async Task<string> ConsolePageAsync()
        {
            await _application!.ResourceNotifications.WaitForResourceHealthyAsync("kv-console", _limit.Token);
            using HttpClient console = _application.CreateHttpClient("kv-console", "http");
            return await console.GetStringAsync("/", _limit.Token);
        }

        public async Task KillLeaderAsync()
        {
            KvCloudResource kv = _application!.Services.GetRequiredService<DistributedApplicationModel>()
                .Resources.OfType<KvCloudResource>().Single();
            using var http = new HttpClient();
            foreach (KvCloudReplica replica in kv.Replicas)
            {
                string health = await http.GetStringAsync($"{replica.HttpEndpoint.Url}/health", _limit.Token);
                if (health.Contains("\"role\":\"leader\"", StringComparison.Ordinal))
                {
                    ExecuteCommandResult killed = await _application.ResourceCommands.ExecuteCommandAsync(
                        replica.Resource, "kvcloud-kill", _limit.Token);
                    Assert.True(killed.Success, killed.Message);
                    return;
                }
            }

            Assert.Fail("no replica leads");
        }
    }
}
