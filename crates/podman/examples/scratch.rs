#![allow(warnings, clippy::all, clippy::pedantic)]
use futures::StreamExt;
use inline_podman::*;
use inline_runtime::*;
use std::sync::Arc;
use std::time::*;
use tokio::io::AsyncWriteExt;
fn spec(img: &str) -> ContainerSpec {
    let r = std::env::var("INLINE_TEST_REGISTRY").unwrap();
    ContainerSpec::new(format!("{r}/{img}").parse().unwrap(), "scratch")
        .with_user("65534:65534")
        .with_tmpfs(Tmpfs::new("/tmp", 16 << 20))
}
async fn run(rt: &Arc<dyn ContainerRuntime>, what: &str, s: ContainerSpec) {
    let t = Instant::now();
    match Arc::clone(rt).run(&s, 1 << 20).await {
        Ok(o) => println!(
            "{what}: {:?} out={:?} err={:?} {:?}",
            o.status,
            String::from_utf8_lossy(&o.stdout[..o.stdout.len().min(300)]),
            String::from_utf8_lossy(&o.stderr[..o.stderr.len().min(300)]),
            t.elapsed()
        ),
        Err(e) => println!("{what}: ERR {:?} {e} {:?}", e.kind(), t.elapsed()),
    }
}
#[tokio::main]
async fn main() {
    tracing_off();
    let mut config = PodmanConfig::from_env(|n| std::env::var(n).ok());
    if std::env::var("RLIMIT").is_ok() {
        config = config.with_limits(LimitPolicy::Rlimit);
    }
    let t = Instant::now();
    let p = match PodmanRuntime::connect(&config).await {
        Ok(p) => p,
        Err(e) => {
            println!("{:?}: {e}", e.kind());
            return;
        }
    };
    println!("connect {:?}", t.elapsed());
    let t = Instant::now();
    println!("{:?} {:?}", p.info().await, t.elapsed());
    for (c, s) in p.capabilities().iter() {
        println!("  {c}: {s:?}");
    }
    println!("{:?}", p.capabilities().limit_mechanism());
    let rt: Arc<dyn ContainerRuntime> = Arc::new(p);
    let alpine = spec("alpine:latest");
    for s in ["alpine:latest", "python:3.11-slim"] {
        let mut ev = rt.pull(&spec(s).image, PullOptions::default()).await.unwrap();
        while let Some(e) = ev.next().await {
            println!("pull {e:?}");
        }
        println!("{:?}", rt.image(&spec(s).image).await);
    }
    for s in ["alpine:nosuch", "nosuch:latest"] {
        let mut ev = rt.pull(&spec(s).image, PullOptions::default()).await.unwrap();
        while let Some(e) = ev.next().await {
            println!("pull {e:?}");
        }
        println!("{:?}", rt.image(&spec(s).image).await);
    }
    let mut ev = rt
        .pull(&"127.0.0.1:1/x:y".parse().unwrap(), PullOptions::default())
        .await
        .unwrap();
    while let Some(e) = ev.next().await {
        println!("pull {e:?}");
    }
    for i in 0..3 {
        run(
            &rt,
            "echo",
            alpine.clone().with_cmd(["sh", "-c", "echo hi; echo err >&2; exit 3"]),
        )
        .await;
    }
    run(&rt, "missing", alpine.clone().with_cmd(["nosuch"])).await;
    run(&rt, "noexec", alpine.clone().with_cmd(["/etc/hostname"])).await;
    run(
        &rt,
        "workdir",
        alpine.clone().with_cmd(["true"]).with_working_dir("/nosuch"),
    )
    .await;
    run(&rt, "user", alpine.clone().with_cmd(["true"]).with_user("nosuch")).await;
    run(&rt, "biguser", alpine.clone().with_cmd(["true"]).with_user("99999:1")).await;
    run(&rt, "image", spec("nosuch:latest")).await;
    run(&rt, "memory", alpine.clone().with_cmd(["true"]).with_memory(64 << 20)).await;
    run(
        &rt,
        "runsc",
        alpine.clone().with_cmd(["true"]).with_oci_runtime("runsc"),
    )
    .await;
    run(&rt, "crun", alpine.clone().with_cmd(["true"]).with_oci_runtime("crun")).await;
    run(
        &rt,
        "keepid",
        alpine.clone().with_cmd(["id"]).with_userns(Userns::KeepId),
    )
    .await;
    run(&rt, "seccomp", alpine.clone().with_cmd(["mkdir","/tmp/x"]).with_seccomp(Seccomp::Profile(r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}"#.into()))).await;
    run(&rt, "init", alpine.clone().with_cmd(["true"]).with_init(true)).await;
    run(
        &rt,
        "oomadj",
        alpine
            .clone()
            .with_cmd(["cat", "/proc/self/oom_score_adj"])
            .with_oom_score_adj(500),
    )
    .await;
    run(
        &rt,
        "nofile",
        alpine
            .clone()
            .with_cmd([
                "sh",
                "-c",
                "ulimit -n; df /dev/shm /tmp; cat /proc/self/status | grep -E 'NoNew|Cap|Secc'",
            ])
            .with_ulimit(Ulimit::new(UlimitName::Nofile, 99))
            .with_shm_size(1 << 20),
    )
    .await;
    run(
        &rt,
        "hostname",
        alpine
            .clone()
            .with_cmd(["hostname"])
            .with_hostname("sandbox")
            .with_env("A", "b"),
    )
    .await;
    run(&rt, "image cmd", alpine.clone()).await;
    let name = alpine.clone().with_cmd(["sleep", "100"]).with_name("inline-x1");
    let id = rt.create(&name).await.unwrap();
    println!("again {:?}", rt.create(&name).await.unwrap_err().to_string());
    println!("{:?}", rt.inspect(&id).await);
    println!("kill {:?}", rt.kill(&id, Signal::KILL).await.unwrap_err().kind());
    println!(
        "exec {:?}",
        rt.exec(&id, &ExecSpec::new(["true"])).await.unwrap_err().kind()
    );
    let pr = rt.start(&id).await.unwrap();
    println!("twice {:?}", rt.start(&id).await.unwrap_err().to_string());
    println!("{:?}", rt.list(&ListFilter::instance("scratch")).await);
    for c in [
        vec!["nosuch"],
        vec!["/etc/hostname"],
        vec!["sh", "-c", "echo a; exit 127"],
        vec!["sh", "-c", "kill -9 $$"],
        vec!["true"],
        vec!["sh", "-c", "sleep 3 & echo x"],
        vec!["sh", "-c", "ulimit -v; ulimit -p"],
    ] {
        let t = Instant::now();
        match rt.exec_output(&id, &ExecSpec::new(c.clone()), 1 << 20).await {
            Ok(o) => println!("exec {c:?} {o:?} {:?}", t.elapsed()),
            Err(e) => println!("exec {c:?} ERR {:?} {e} {:?}", e.kind(), t.elapsed()),
        }
    }
    let mut pe = rt.exec(&id, &ExecSpec::new(["cat"]).with_stdin(true)).await.unwrap();
    let mut si = pe.stdin.take().unwrap();
    let n = 8usize << 20;
    let w = tokio::spawn(async move {
        si.write_all(&vec![7u8; n]).await.unwrap();
        si.shutdown().await.unwrap();
    });
    let mut got = 0;
    let mut st = None;
    let t = Instant::now();
    while let Some(e) = pe.events.next().await {
        match e.unwrap() {
            Event::Stdout(b) => got += b.len(),
            Event::Exited(s) => st = Some(s),
            _ => {}
        }
    }
    println!("cat {got} {} {st:?} {:?}", got == n, t.elapsed());
    let mut long = rt.exec(&id, &ExecSpec::new(["sleep", "50"])).await.unwrap();
    println!("stats {:?}", rt.stats(&id).await);
    println!("TERM {:?}", rt.kill(&id, Signal::KILL).await);
    println!("main {:?}", pr.collect(10).await);
    println!("long {:?}", long.events.next().await);
    println!("{:?}", rt.inspect(&id).await);
    println!("start exited {:?}", rt.start(&id).await.unwrap_err().kind());
    let t = Instant::now();
    println!("rm {:?} {:?}", rt.remove(&id).await, t.elapsed());
    println!("rm {:?}", rt.remove(&id).await);
    println!(
        "{:?} {:?}",
        rt.inspect(&id).await.unwrap_err().kind(),
        rt.start(&id).await.unwrap_err().kind()
    );
    let t = Instant::now();
    run(
        &rt,
        "64M",
        alpine.clone().with_cmd(["sh", "-c", "head -c 67108864 /dev/zero"]),
    )
    .await;
    // dropped creates
    for i in 0..20u64 {
        let s = alpine.clone().with_name(format!("inline-d{i}")).with_cmd(["true"]);
        let _ = tokio::time::timeout(Duration::from_micros(500 * i), rt.create(&s)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let l = rt.list(&ListFilter::instance("scratch")).await.unwrap();
    println!("left {:?}", l.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
    for c in l {
        rt.remove(&c.id).await.unwrap();
    }
    if std::env::var("RLIMIT").is_ok() {
        let py = spec("python:3.11-slim");
        run(
            &rt,
            "python",
            py.clone().with_memory(256 << 20).with_pids_limit(50).with_cmd([
                "python3",
                "-c",
                "print(6*7)\ntry: bytearray(400<<20)\nexcept MemoryError: print('ME')",
            ]),
        )
        .await;
        run(
            &rt,
            "missing",
            py.clone()
                .with_memory(256 << 20)
                .with_pids_limit(50)
                .with_cmd(["nosuch"]),
        )
        .await;
        run(
            &rt,
            "rw",
            py.clone()
                .with_memory(256 << 20)
                .with_readonly_rootfs(false)
                .with_cmd(["true"]),
        )
        .await;
        let f = "import os,time\nn=0\ntry:\n  for i in range(100):\n    if os.fork()==0:\n        time.sleep(2); os._exit(0)\n    n+=1\nexcept OSError as e: print(n,e)\n";
        let hs: Vec<_> = (0..3)
            .map(|_| {
                let rt = rt.clone();
                let s = py
                    .clone()
                    .with_memory(256 << 20)
                    .with_pids_limit(50)
                    .with_cmd(["python3", "-c", f]);
                tokio::spawn(async move { run(&rt, "fork", s).await })
            })
            .collect();
        for h in hs {
            h.await;
        }
        let id = rt
            .create(
                &py.clone()
                    .with_memory(256 << 20)
                    .with_pids_limit(20)
                    .with_cmd(["sleep", "100"]),
            )
            .await
            .unwrap();
        let m = rt.start(&id).await.unwrap();
        for c in [
            vec!["nosuch"],
            vec!["python3", "-c", f],
            vec!["sh", "-c", "ulimit -v; ulimit -p; exit 127"],
        ] {
            match rt.exec_output(&id, &ExecSpec::new(c.clone()), 1 << 20).await {
                Ok(o) => println!("exec {o:?}"),
                Err(e) => println!("exec ERR {:?} {e}", e.kind()),
            }
        }
        rt.remove(&id).await.unwrap();
    }
    let mut v = vec![];
    for _ in 0..10 {
        let t = Instant::now();
        Arc::clone(&rt)
            .run(&alpine.clone().with_cmd(["true"]), 10)
            .await
            .unwrap();
        v.push(t.elapsed().as_millis());
    }
    println!("one-shot ms {v:?}");
}
fn tracing_off() {}
