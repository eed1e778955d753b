using KvCloud.Node.Configuration;

namespace KvCloud.Tests.Node.Configuration;

/// <summary>Every mistake, and the one sentence that answers it.</summary>
public sealed class ConfigurationMistakeTests : IDisposable
{
    private const string Joining = "[deployment]\nmode = \"replicated\"\njoin = true\n";
    private const string Three = "replica_endpoints = [\"a:9090\", \"b:9090\", \"c:9090\"]\n";

    private const string Voter = "[deployment]\nmode = \"replicated\"\n" + Three;

    private readonly SettingsFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData("[consensus]\nalgorithm = \"raft\"",
        "consensus.algorithm is \"raft\" (kvcloud.toml, line 2); it must be \"paxos\", the only choice.")]
    [InlineData("[deployment]\nmode = \"cluster\"",
        "deployment.mode is \"cluster\" (kvcloud.toml, line 2); it must be one of standalone or replicated.")]
    [InlineData("[deployment]\nwrite_routing = \"proxy\"",
        "deployment.write_routing is \"proxy\" (kvcloud.toml, line 2); it must be one of redirect or forward.")]
    [InlineData("[reads]\nconsistency_level = \"strong\"",
        "reads.consistency_level is \"strong\" (kvcloud.toml, line 2); it must be one of local, leader or read_index.")]
    [InlineData("[deployment]\ninstance_id = -1",
        "deployment.instance_id is \"-1\" (kvcloud.toml, line 2); it must be an integer from 0 to 8191.")]
    [InlineData("[deployment]\ninstance_id = \"one\"",
        "deployment.instance_id is \"one\" (kvcloud.toml, line 2); it must be an integer from 0 to 8191.")]
    [InlineData("[deployment]\ninstance_id = 1.5",
        "deployment.instance_id is \"1.5\" (kvcloud.toml, line 2); it must be an integer from 0 to 8191.")]
    [InlineData("[reads]\nallow_stale_reads = 1",
        "reads.allow_stale_reads is \"1\" (kvcloud.toml, line 2); it must be true or false.")]
    [InlineData("[cache]\nhigh_priority_pool_ratio = nan",
        "cache.high_priority_pool_ratio is \"NaN\" (kvcloud.toml, line 2); it must be a number from 0 to 1.")]
    [InlineData("[listen]\nhttp_port = 70000",
        "listen.http_port is \"70000\" (kvcloud.toml, line 2); it must be an integer from 1 to 65535.")]
    [InlineData("[consensus]\nmax_batch_bytes = 67108864",
        "consensus.max_batch_bytes is \"67108864\" (kvcloud.toml, line 2); it must be an integer from 1024 to"
        + " 33554432.")]
    [InlineData("[deployment]\ninstance_id = [0]",
        "deployment.instance_id is a single value, not a list (kvcloud.toml, line 2).")]
    [InlineData("[consensus]\nelection_timout_ms = 5",
        "consensus.election_timout_ms is not known; did you mean consensus.election_timeout_ms? (kvcloud.toml, line"
        + " 2).")]
    [InlineData("[consensus]\nmax_staleness_ms = 5",
        "consensus.max_staleness_ms is not known; did you mean reads.max_staleness_ms? (kvcloud.toml, line 2).")]
    [InlineData("[cluster]\nleader_discovery_timeout_ms = 5000",
        "cluster.leader_discovery_timeout_ms is no longer a setting and never had an effect; remove it"
        + " (kvcloud.toml, line 2).")]
    [InlineData("[consensus]\nxyzzy = 5", "consensus.xyzzy is not known (kvcloud.toml, line 2).")]
    [InlineData("[consensu]\nalgorithm = \"paxos\"",
        "section [consensu] is not known; did you mean [consensus]? (kvcloud.toml, line 2).")]
    [InlineData("instance_id = 1",
        "instance_id is outside of any section; did you mean deployment.instance_id? (kvcloud.toml, line 1).")]
    [InlineData("deployment = 1", "deployment is a section, not a value (kvcloud.toml, line 1).")]
    [InlineData("[deployment]\nmode = replicated",
        "kvcloud.toml, line 2 is not valid TOML: Unexpected ")]
    [InlineData("[deployment]\ninstance_id = 1\ninstance_id = 2", "kvcloud.toml, line 3 is not valid TOML: ")]
    [InlineData("[deployment]\nreplica_endpoints = [\"a\"]",
        "deployment.replica_endpoints has \"a\" (kvcloud.toml, line 2); an entry must be host:port.")]
    [InlineData("[deployment]\nreplica_endpoints = [\"a:1\", \"a:1\"]",
        "deployment.replica_endpoints has \"a:1\" twice (kvcloud.toml, line 2); each replica needs its own"
        + " endpoint.")]
    [InlineData("[deployment]\nreplica_endpoints = [\"a:1\", \"\"]",
        "deployment.replica_endpoints has no entry 1 (kvcloud.toml, line 2); entries are numbered from 0 without"
        + " gaps.")]
    [InlineData("[consensus]\nendpoints = [\"a b:1\"]",
        "consensus.endpoints has \"a b:1\" (kvcloud.toml, line 2); an entry must be host:port, or a service name"
        + " such as _peer.node-1.")]
    [InlineData("[deployment]\nmode = \"replicated\"",
        "deployment.replica_endpoints has 0 entries (the default); a replicated deployment has 1, 3, 5 or 7 replicas.")]
    [InlineData("[deployment]\nmode = \"replicated\"\nreplica_endpoints = [\"a:1\", \"b:1\"]",
        "deployment.replica_endpoints has 2 entries (kvcloud.toml, line 3); a replicated deployment has 1, 3, 5 or 7"
        + " replicas.")]
    [InlineData("[deployment]\nmode = \"replicated\"\ninstance_id = 3\n" + Three,
        "deployment.instance_id is 3 (kvcloud.toml, line 3); deployment.replica_endpoints has entries for the nodes"
        + " 0, 1, 2.")]
    [InlineData("[deployment]\nmode = \"replicated\"\n" + Three + "[consensus]\nendpoints = [\"a:1\"]",
        "consensus.endpoints has 1 entries (kvcloud.toml, line 5); it must have one for each of the 3"
        + " deployment.replica_endpoints, or none.")]
    [InlineData("[deployment]\nmode = \"replicated\"\nreplica_endpoints = [\"0=a:1\", \"b:1\", \"c:1\"]",
        "deployment.replica_endpoints has \"0=a:1\" (kvcloud.toml, line 3); only with deployment.join does an entry"
        + " name its id; the replicas that a group begins with are numbered by their place.")]
    [InlineData(Joining + "instance_id = 4\nreplica_endpoints = [\"2=a:1\", \"9=b:1\"]",
        "deployment.instance_id is 4 (kvcloud.toml, line 4); deployment.replica_endpoints has entries for the nodes"
        + " 2, 9.")]
    [InlineData(Joining + "instance_id = 9\nreplica_endpoints = [\"9=a:1\", \"9=b:1\"]",
        "deployment.replica_endpoints names node 9 twice (kvcloud.toml, line 5); each replica has its own id.")]
    [InlineData(Joining + "instance_id = 9\nreplica_endpoints = [\"9=a:1\", \"2=b:1\"]"
        + "\n[consensus]\nendpoints = [\"9=a:2\", \"3=b:2\"]",
        "consensus.endpoints names the nodes 3, 9 (kvcloud.toml, line 7); it must name those of"
        + " deployment.replica_endpoints, which are 2, 9.")]
    [InlineData("[deployment]\nmode = \"replicated\"\nreplica_endpoints = [\"a:65500\"]",
        "deployment.replica_endpoints has \"a:65500\" (kvcloud.toml, line 3); the default peer port is 100"
        + " higher and would exceed 65535; set consensus.endpoints.")]
    [InlineData("[consensus]\nheartbeat_interval_ms = 200",
        "consensus.heartbeat_interval_ms is 200 (kvcloud.toml, line 2); it must be at most a third of"
        + " consensus.election_timeout_ms, which is 400.")]
    [InlineData("[cluster]\nnode_timeout_ms = 1500",
        "cluster.node_timeout_ms is 1500 (kvcloud.toml, line 2); it must be at least twice"
        + " cluster.health_check_interval_ms, which is 1000.")]
    [InlineData("[reads]\nallow_stale_reads = false\nconsistency_level = \"local\"",
        "reads.consistency_level is \"local\" (kvcloud.toml, line 3); reads.allow_stale_reads is false, so it must"
        + " be leader or read_index.")]
    [InlineData("[cluster]\nid = \"my cluster\"",
        "cluster.id is \"my cluster\" (kvcloud.toml, line 2); it must be 1 to 64 letters, digits, dashes, dots or"
        + " underscores.")]
    [InlineData("[database]\nbase_path = \"\"",
        "database.base_path is empty (kvcloud.toml, line 2); it must name a directory.")]
    [InlineData("[listen]\naddress = \"example.org\"",
        "listen.address is \"example.org\" (kvcloud.toml, line 2); it must be an IP address, localhost or *.")]
    [InlineData("[listen]\nthrift_port = 9090\npeer_port = 9090",
        "listen.peer_port is 9090 (kvcloud.toml, line 3); listen.thrift_port uses the same port; each needs its"
        + " own.")]
    [InlineData("[listen]\nthrift_port = 65400",
        "listen.http_port would be 65600 (the default); it is derived from the Thrift port and exceeds 65535; set it.")]
    [InlineData("[limits]\nmax_in_flight_bytes = 1048576",
        "limits.max_in_flight_bytes is 1048576 (kvcloud.toml, line 2); it must be at least limits.max_message_bytes,"
        + " which is 16777216.")]
    [InlineData("[limits]\nmax_queued_write_bytes = 1048576",
        "limits.max_queued_write_bytes is 1048576 (kvcloud.toml, line 2); it must be at least"
        + " limits.max_message_bytes, which is 16777216.")]
    [InlineData("[limits]\nmax_timeout_ms = 5",
        "limits.max_timeout_ms is 5 (kvcloud.toml, line 2); it must be at least limits.default_timeout_ms, which is"
        + " 10000.")]
    [InlineData("[deployment]\nreplacement_ids = [4]",
        "deployment.replacement_ids is set (kvcloud.toml, line 2); it is for one of the replicas that a group of at"
        + " least three begins with, not for a standalone node nor with deployment.join.")]
    [InlineData(Joining + "instance_id = 9\nreplica_endpoints = [\"9=a:1\", \"2=b:1\"]\nreplacement_ids = [10]",
        "deployment.replacement_ids is set (kvcloud.toml, line 6); it is for one of")]
    [InlineData(Voter + "replacement_ids = [2]",
        "deployment.replacement_ids has 2 (kvcloud.toml, line 4); that is a replica of deployment.replica_endpoints.")]
    [InlineData(Voter + "replacement_ids = [4, 4]",
        "deployment.replacement_ids has 4 twice (kvcloud.toml, line 4); an id never returns.")]
    [InlineData(Voter + "replacement_ids = [9000]",
        "deployment.replacement_ids has 9000 (kvcloud.toml, line 4); an id is 0 to 8191.")]
    [InlineData(Voter + "replacement_ids = [\"four\", 5]",
        "deployment.replacement_ids has \"four\", \"5\" (kvcloud.toml, line 4); it must be a list of at most 16"
        + " integers.")]
    [InlineData(Voter + "replacement_ids = 4.5",
        "deployment.replacement_ids has \"4.5\" (kvcloud.toml, line 4); it must be a list of at most 16 integers.")]
    [InlineData(Voter + "replacement_ids = [3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]",
        "deployment.replacement_ids has 17 entries (kvcloud.toml, line 4); it must be a list of at most 16 integers.")]
    [InlineData(Voter + "replacement_token_file = \"token\"",
        "deployment.replacement_token_file is set (kvcloud.toml, line 4); it is of no use without"
        + " deployment.replacement_ids.")]
    [InlineData(Voter + "replacement_ids = [4]\n[tls]\ncertificate = \"a\"\nkey = \"b\"\npeers = \"off\"",
        "tls.ca is not set (the default); with deployment.replacement_ids this node calls others, and tells them by"
        + " it.")]
    public void Load_a_mistake_in_the_file_is_one_sentence(string toml, string sentence)
    {
        string mistake = Assert.Single(_fixture.Load(toml).Mistakes);

        Assert.StartsWith(sentence, mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--limits.max_connection=4",
        "--limits.max_connection on the command line is not known; did you mean --limits.max_connections?")]
    [InlineData("--deployment.instance_id", "--deployment.instance_id on the command line needs a value.")]
    [InlineData("instance_id=1",
        "\"instance_id=1\" on the command line is not an option; a setting is written --section.key=value.")]
    [InlineData("--deployment.instance_id=x",
        "deployment.instance_id is \"x\" (command line --deployment.instance_id); it must be an integer from 0 to"
        + " 8191.")]
    [InlineData("--config=nowhere.toml", "--config names the file nowhere.toml, which does not exist.")]
    public void Load_a_mistake_on_the_command_line_is_one_sentence(string argument, string sentence)
    {
        Assert.Equal(sentence, Assert.Single(_fixture.Load(args: [argument]).Mistakes));
    }

    [Theory]
    [InlineData("KvCloud__Deployment__InstanceIdd", "1",
        "deployment.instance_idd is not known; did you mean deployment.instance_id? (environment variable"
        + " KvCloud__Deployment__InstanceIdd).")]
    [InlineData("KvCloud__Deployment__instance_id", "1",
        "deployment.instance_id is not known; did you mean deployment.instance_id? (environment variable"
        + " KvCloud__Deployment__instance_id).")]
    [InlineData("KvCloud__Deployment__ReplicaEndpoints__1", "a:1",
        "deployment.replica_endpoints has no entry 0 (environment variable"
        + " KvCloud__Deployment__ReplicaEndpoints); entries are numbered from 0 without gaps.")]
    [InlineData("KVCLOUD_PARENT_PID", "init",
        "KVCLOUD_PARENT_PID is \"init\" (environment); it must be the id of a process.")]
    public void Load_a_mistake_in_the_environment_is_one_sentence(string name, string value, string sentence)
    {
        SettingsResult result = _fixture.Load(environment: new Dictionary<string, string> { [name] = value });

        Assert.Equal(sentence, Assert.Single(result.Mistakes));
    }

    [Fact]
    public void Load_a_missing_file_of_the_variable_is_a_mistake()
    {
        Assert.Equal(
            "KVCLOUD_CONFIG names the file gone.toml, which does not exist.",
            Assert.Single(_fixture.Load(configVariable: "gone.toml").Mistakes));
    }

    [Fact]
    public void Load_many_mistakes_are_told_at_once()
    {
        SettingsResult result = _fixture.Load(
            "[consensus]\nalgorithm = \"mock\"\nfoo = 1\n[reads]\nmax_staleness_ms = -1\n", ["--bar=1"]);

        Assert.Equal(4, result.Mistakes.Count);
    }

    [Fact]
    public void Load_keys_of_the_client_library_are_left_to_it()
    {
        Dictionary<string, string> environment = new() { ["Aspire__KvCloud__Client__Endpoints__0"] = "localhost:9090" };

        Assert.Empty(_fixture.Load(environment: environment).Mistakes);
    }
}
