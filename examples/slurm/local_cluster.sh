#!/bin/bash
# A real Slurm on this machine, to try jobs before they are submitted to a cluster: a controller and
# two nodes, n1 and n2, which share its processor. Needs slurm-wlm and munge (Debian: apt-get install
# slurm-wlm munge) and root. It keeps all it writes in FOLDER, and changes nothing of the system.
#
#   source <(examples/slurm/local_cluster.sh up FOLDER)    # starts it, and sets SLURM_CONF
#   sbatch examples/slurm/train.sbatch ...
#   examples/slurm/local_cluster.sh down FOLDER            # ends it, with all jobs
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

usage() {
  echo "usage: local_cluster.sh up|down FOLDER" >&2
  exit 2
}

[ $# -eq 2 ] || usage
mkdir -p "$2"
folder=$(realpath "$2")
first_port=${LOCAL_CLUSTER_PORT:-17817}

# Ends what a pid file names, and waits until it has ended.
end() {
  local pid
  [ -s "$1" ] && pid=$(cat "$1") && kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
}

down() {
  export SLURM_CONF=$folder/slurm.conf
  timeout 20 scancel --user="$(id -un)" 2>/dev/null || true
  # A job has KillWait to end; after its daemons it would be left over.
  for _ in $(seq 90); do
    [ -n "$(timeout 20 squeue --noheader 2>/dev/null)" ] || break
    sleep 1
  done
  for name in slurmd.n1 slurmd.n2 slurmctld munged; do
    end "$folder/$name.pid"
  done
}

up() {
  for command in munged slurmctld slurmd sbatch; do
    command -v "$command" >/dev/null || {
      echo "local_cluster.sh: no $command here: apt-get install slurm-wlm munge" >&2
      exit 2
    }
  done
  chmod 755 "$folder"
  mkdir -p "$folder"/state "$folder"/spool.n1 "$folder"/spool.n2
  [ -s "$folder/munge.key" ] || (umask 077 && head -c 1024 /dev/urandom >"$folder/munge.key")
  local host
  host=$(hostname -s)
  cat >"$folder/slurm.conf" <<EOF
ClusterName=local
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$first_port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
CredType=cred/munge
# A job that is requeued waits for the end of its credentials, which is 120 s by default.
AuthInfo=socket=$folder/munge.socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_interval=2
ReturnToService=2
KillWait=60
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first_port + 1)) CPUs=2
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((first_port + 2)) CPUs=2
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
  export SLURM_CONF=$folder/slurm.conf
  # By force: it may lie in a folder of which others see nothing.
  munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
    --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
  slurmctld
  slurmd -N n1
  slurmd -N n2
  for _ in $(seq 60); do
    [ "$(sinfo --noheader --states=idle --format=%D 2>/dev/null)" = 2 ] && return 0
    sleep 1
  done
  echo "local_cluster.sh: the nodes have not come within 60 s; see $folder/*.log" >&2
  exit 1
}

case $1 in
  up)
    trap '[ $? -eq 0 ] || down' EXIT
    up >&2
    echo "export SLURM_CONF=$(printf %q "$folder/slurm.conf")"
    ;;
  down) down ;;
  *) usage ;;
esac
