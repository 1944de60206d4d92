/** The help text is the specification: exact, so that a change of it is seen. */
import { describe, expect, it } from 'vitest';
import { swarmplane } from '../helpers/swarm.ts';

describe('help', () => {
  it('of the program names every command', async () => {
    const { stdout, code } = await swarmplane(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: swarmplane [options] [command]

      SQL over all your machines at once, without a server

      Options:
        -V, --version                     output the version number
        --state <DIR>                     state folder (default: $SWARMPLANE_STATE,
                                          /var/lib/swarmplane for root,
                                          ~/.local/state/swarmplane)
        -h, --help                        display help for command

      Commands:
        init [options]                    make a new swarm: write configuration and
                                          operator key, print the join token
        up [options]                      run the agent of this host, in the
                                          foreground
        hub [options]                     run the agent of this host with a hub:
                                          PostgreSQL in front of the swarm
        query [options] <sql>             ask every host at once, print the rows and
                                          the account of every host
        pack                              run query packs, import their policies
        nodes [options]                   list the hosts of the swarm as this host
                                          knows them
        status [options]                  what the agent of this host is doing
        forget [options] <node>           no longer expect a host that is dead or
                                          left; it counts again if it comes back
        leave                             take this host out of the swarm and stop its
                                          agent; it stays out until \`rejoin\`
        rejoin                            let the agent of a host that left take part
                                          again: \`up\` that waits goes on
        retire [options] <host>           mark a host as gone for good in a hub's
                                          database; its history stays
        operator                          grant and revoke what hosts may do beyond
                                          asking, and the keys that sign it
        actions [options]                 list what hubs may start on this host, or
                                          with --log what they started
        key                               the identity keys of hosts: take the next
                                          one into use, show what is pinned
        identity                          who this host is: make one of two copies of
                                          a state folder a new host
        token                             the join tokens of the swarm: who may come
                                          in, and how many
        secret                            the keys of the swarm
        tables [options] [name]           list the tables a host can answer from
        audit                             who did what: prove that nobody rewrote it
        alerts [options]                  what somebody should look at: the alerts of
                                          the hub, else the alarms of this host
        doctor [options]                  look at agent, disk, clock and database, and
                                          say what to do next
        history [options] <host> <table>  show what changed in a tracked table of a
                                          host, or its rows at an instant
        sql [options] <statement>         run SQL on the hub's PostgreSQL, where no
                                          psql is installed
        demo [options]                    run a hub and three more agents on this
                                          machine, to try things out
        help [command]                    display help for command
      "
    `);
  });

  it('of query states the exit codes', async () => {
    const { stdout } = await swarmplane(['query', '--help']);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: swarmplane query [options] <sql>

      ask every host at once, print the rows and the account of every host

      Arguments:
        sql               a select over host tables; see \`swarmplane tables\`

      Options:
        --hosts <a,b>     only these hosts (names or node ids)
        --reduce <SQL>    run SQL over all rows, in the table answers, and print its
                          result
        --timeout <TIME>  how long to wait, as 500ms, 30s or 2m (default: "30s")
        --json            print one JSON array of objects; the account goes to
                          standard error
        --csv             print CSV; the account goes to standard error
        --explain         do not ask; show which tables and constraints a host will
                          use
        -h, --help        display help for command

      Exit codes:
        0   every host answered, whole
        1   nothing was asked: no agent, or the SQL was refused
        3   answers came, but not from every host, or not whole; the account names them
        64  the command line is wrong

      Example:
        $ swarmplane query "select name, version from deb_packages where name = 'openssl'"
        $ swarmplane query 'select version from os_version' --reduce \\
            'select version, count(*) as hosts from answers group by version'
      "
    `);
  });

  it('of doctor states the exit codes', async () => {
    const { stdout } = await swarmplane(['doctor', '--help']);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: swarmplane doctor [options]

      look at agent, disk, clock and database, and say what to do next

      Options:
        --database <URL>  a hub's database; default: that of the hub here, or
                          $DATABASE_URL
        --json            print JSON
        -h, --help        display help for command

      Exit codes:
        0   nothing to do; what could not be looked at is marked skipped
        1   something is broken
        3   nothing is broken, but there are warnings
        64  the command line is wrong

      Example:
        $ swarmplane doctor --database postgresql://swarmplane@db.example/fleet
      "
    `);
  });

  it('of hub grant says what each role may', async () => {
    const { stdout } = await swarmplane(['hub', 'grant', '--help']);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: swarmplane hub grant [options] <name>

      let somebody use the hub from psql: print the SQL for it and run it

      Arguments:
        name              a login or group role of PostgreSQL; a login is made where
                          there is none

      Options:
        --role <ROLE>     what it may do (choices: "reader", "asker", "operator",
                          "auditor", "sensitive")
        --label <a,b>     only hosts with these access labels
        --revoke          take the role back; with --label only these labels
        --dry-run         print the SQL and run nothing
        --database <URL>  the hub's database; default: that of the hub here
        -h, --help        display help for command

      Roles, each with what the one before it may:
        reader    read answers, states, hosts and alerts
        asker     insert queries
        operator  command the fleet as far as the hub's certificate goes
        auditor   (apart from these) read the audit
        sensitive (apart from these) read rows of sensitive tables; a reader

      Example:
        $ swarmplane hub grant --role reader --label web alice
      "
    `);
  });
});
